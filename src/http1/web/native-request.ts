/**
 * The runtime's own `Request`, for an application in whose process the globals are left alone and
 * whose runtime takes no other.
 */
import { IncomingBody } from '../incoming-body.ts'
import type { BodySource } from './payload.ts'
import type { HeadLike } from './request.ts'

const controllers = new WeakMap<object, AbortController>()

export function nativeRequest(head: HeadLike, url: string, body: Uint8Array | IncomingBody | null): Request {
  const controller = new AbortController()
  const headers = new Headers()
  const { raw, method } = head
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!)
  const hasContent = body !== null && method !== 'GET' && method !== 'HEAD'
  const request = new Request(url, {
    method,
    headers,
    signal: controller.signal,
    ...(hasContent ? { body: body instanceof IncomingBody ? streamOf(body) : body, duplex: 'half' } : {}),
  } as RequestInit)
  controllers.set(request, controller)
  return request
}

export function abortNative(request: object, reason: Error): void {
  controllers.get(request)?.abort(reason)
}

/** A source as the runtime's own stream, which asks for nothing ahead of its reader. */
export function streamOf(body: BodySource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await body.read()
        if (piece === null) controller.close()
        else controller.enqueue(piece)
      },
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
