/**
 * The body of an event stream, into which something can be said between two events: to a client
 * that has ended its side a comment, which shows whether that still reads; in a drain a last
 * `retry:`, behind which it ends in order.
 */
import type { BodySource } from '../http1/web/payload.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import { comment, eventStreamType, mediaTypeOf } from './event-stream.ts'
import { FramedSource } from './framed-source.ts'
import { eventEnds } from './frames.ts'

/** Clients come back so much later, each at its own moment. */
const retryMs = { least: 1_000, most: 3_000 } as const

/** An event stream into which something can be said: not compressed, and of no length. */
export const isOpenEventStream = (status: number, headers: Pick<Headers, 'get'>): boolean =>
  status === 200 &&
  mediaTypeOf(headers) === eventStreamType &&
  (headers.get('content-encoding') ?? 'identity') === 'identity' &&
  headers.get('content-length') === null

/**
 * The same stream, which a drain may end if a GET opened it: its client can have it again, and
 * `EventSource` does. One that answers a POST is the answer to that one request.
 */
export function eventStreamBody(
  source: BodySource,
  method: string,
  longLived: LongLived,
  random: () => number = Math.random,
): BodySource {
  let over = (): void => {}
  const body = new EventStreamBody(source, eventEnds, () => over())
  if (method === 'GET') over = longLived.add('eventStreams', () => body.endWith(goodbye(random)))
  return body
}

class EventStreamBody extends FramedSource {
  probe(): void {
    this.saySoon(comment)
  }
}

function goodbye(random: () => number): Uint8Array {
  const ms = Math.round(retryMs.least + random() * (retryMs.most - retryMs.least))
  return new TextEncoder().encode(`retry: ${ms}\n\n`)
}
