/** Responses of ours, and fields of ours on the application's. */
import { phrases } from '../http1/status.ts'
import { NativeResponse } from '../http1/web/native.ts'

export function plainResponse(status: number, fields: Readonly<Record<string, string>> = {}): Response {
  return new NativeResponse(`${phrases[status]}\n`, { status, headers: { 'content-type': 'text/plain', ...fields } })
}

/** 503, and when to come again (RFC 9110 10.2.3). */
export const comeAgain = (fields: Readonly<Record<string, string>> = {}): Response =>
  plainResponse(503, { 'retry-after': '1', ...fields })

/** The same head with another body. */
export function withBody(response: Response, body: ReadableStream | null): Response {
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}

/** They have no body, and what `Content-Length` may say of it is no matter of HEAD. */
export const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304

/**
 * Makes a runtime say no length: it lets go of it as soon as it has seen that the request is a
 * HEAD.
 */
export const endless = (): ReadableStream => new ReadableStream()

/**
 * The value of a `Content-Length`, which is the application's; null: there is none, or it is no
 * number.
 */
export function lengthIn(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null
}

/** Where a runtime has nothing faster. */
export function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value)
    return response
  } catch {
    // Headers of a Response that must not be changed.
    const copy = new Response(response.body, response)
    copy.headers.set(name, value)
    return copy
  }
}
