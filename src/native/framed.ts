/** A response of a runtime's own server, its event stream in the hands of a drain. */
import { streamOf } from '../http1/web/native-request.ts'
import { sourceOf } from '../http1/web/source.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import { withBody } from '../serve/responses.ts'
import { eventStreamBody, isOpenEventStream } from '../streams/event-stream-body.ts'

/** The same response, unless it is an event stream into which something can be said. */
export function framed(response: Response, { method }: Request, longLived: LongLived): Response {
  // To look at the body makes a stream of what is there whole.
  if (!isOpenEventStream(response.status, response.headers)) return response
  const { body } = response
  if (body === null) return response
  return withBody(response, streamOf(eventStreamBody(sourceOf(body), method, longLived)))
}
