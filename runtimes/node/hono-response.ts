/**
 * The `Response` of @hono/node-server, which makes no native object until somebody looks inside:
 * what it was made of, read without looking.
 */
export type Made = readonly [
  status: number,
  body: string | Uint8Array | Blob | null,
  /** As the application gave them: any `HeadersInit`, unchecked. */
  headers: HeadersInit | undefined,
]

/** Statuses that have no body (Fetch 2.2.3). */
export const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304

let key: symbol | null | undefined

/**
 * Under this symbol, which the package keeps to itself; null: this version of it has no such thing.
 */
function keyOf(): symbol | null {
  const own = Object.getOwnPropertySymbols(new Response(''))
  return own.find(({ description }) => description === 'cache') ?? null
}

/** To be called once the package has put its class in the global's place. */
export function learnHonoResponse(): void {
  key ??= keyOf()
}

/** null: any other Response, or a body that has to be looked at. */
export function madeOf(response: unknown): Made | null {
  if (key === undefined || key === null || typeof response !== 'object' || response === null) return null
  const made: unknown = (response as Record<symbol, unknown>)[key]
  if (!Array.isArray(made)) return null
  const [status, body] = made
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array || body instanceof Blob)) return null
  // The class checks no status; what it makes of a wrong one does.
  if (!Number.isInteger(status) || status < 200 || status > 599 || (body !== null && hasNoBody(status))) return null
  return made as unknown as Made
}
