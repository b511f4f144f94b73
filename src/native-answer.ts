/** Answers of ours, and fields of ours on the application's, where the runtime's own server writes them. */
import { phrases } from './http1/status.ts'

export function plainResponse(status: number, fields: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${phrases[status]}\n`, { status, headers: { 'content-type': 'text/plain', ...fields } })
}

/** What the application threw is for its operator, never for the client. */
export function failed(error: unknown): Response {
  console.error(error)
  return plainResponse(500)
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
