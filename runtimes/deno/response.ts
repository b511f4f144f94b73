/**
 * What `Deno.serve` makes of an answer, read and written where Deno keeps it: the Response's own
 * properties under symbols (ext/fetch/23_response.js, as in Deno 2.9). In public it is dear or
 * impossible: `response.headers` takes the shortest way out of an answer, 12 % of a hello's
 * requests/s before anything is set, and `response.body` turns one that is there whole into a
 * stream. Where a Deno keeps it elsewhere, the public way is taken, and every answer for a stream:
 * `completed` says when it is out. @hono/node-server reads Node's in the same way.
 */
import { endless, isBodiless, withBody, withHeader as withHeaderInPublic } from '../../src/serve/responses.ts'

type Field = [name: string, value: string]
interface Body {
  /** A stream, or what is there whole. */
  readonly streamOrStatic: ReadableStream<Uint8Array> | { readonly body: string | Uint8Array }
  /** Used, or locked by a reader. */
  unusable(): boolean
}
interface Inner {
  readonly type: ResponseType
  readonly headerList: Field[]
  /** None too while the body is a text that nobody has asked for. */
  readonly body: Body | null | undefined
}
type Slots = Record<symbol, unknown>

const probe = new Response('', { headers: { a: 'b' } })
const symbolOf = (description: string): symbol =>
  Object.getOwnPropertySymbols(probe).find((symbol) => symbol.description === description) ?? Symbol(description)
const inner = symbolOf('response')
/**
 * Not 0: all of it is a text or bytes and a `Content-Type`, and goes out without a look at the
 * rest.
 */
const fastStatus = symbolOf('serve fast status')
/** Such a body; null: it has another. */
const fastBody = symbolOf('serve fast body')
/** It has been answered with. */
const consumed = symbolOf('serve fast consumed')
/** Made with its head in advance. */
const nativeAnswer = symbolOf('serve native response')

const innerOf = (response: Response): Inner | undefined => (response as unknown as Slots)[inner] as Inner | undefined
const known =
  innerOf(probe)?.headerList[0]?.[0] === 'a' &&
  innerOf(new Response(new Uint8Array(1)))?.body?.unusable() === false &&
  [fastStatus, fastBody, consumed, nativeAnswer].every((symbol) => symbol in probe)

const headerListOf = (response: Response): Field[] => innerOf(response)!.headerList

/** Whether an answer is made piece by piece. */
export function isStream(response: Response): boolean {
  return !known || innerOf(response)?.body?.streamOrStatic instanceof ReadableStream
}

/**
 * A Response that Deno takes: of its own class, no `Response.error()`, its body neither used nor
 * locked.
 */
export function isSound(returned: unknown): boolean {
  if (!known || !(returned instanceof Response)) return false
  const found = innerOf(returned)
  if (found === undefined || found.type === 'error' || (returned as unknown as Slots)[consumed] === true) return false
  return !found.body?.unusable()
}

/**
 * Over HTTP/2 Deno believes the application what it says of a length, and ends the session for it.
 */
export function toSend(response: Response, http2: boolean): Response {
  if (!http2 || isBodiless(response.status) || fieldOf(response, 'content-length') === null) return response
  const bytes = wholeBytesOf(response)
  return bytes === null ? response : withHeader(response, 'content-length', String(bytes))
}

/** Sound, there whole, a 200, and no more of a head than a `Content-Type`. */
export const isPlain = (returned: unknown): boolean =>
  isSound(returned) && (returned as Slots)[fastStatus] !== 0 && (returned as Slots)[fastBody] !== null

/**
 * What the answer itself says of its connection. A 205 gets no end from Deno, whatever its
 * `Content-Length`: it is its connection's.
 */
export const connectionOf = (response: Response): string | null =>
  response.status === 205 ? 'close' : fieldOf(response, 'connection')

export function fieldOf(response: Response, name: string): string | null {
  if (!known) return response.headers.get(name)
  if ((response as unknown as Slots)[fastStatus] !== 0) return null
  return find(headerListOf(response), name)?.[1] ?? null
}

/**
 * Over HTTP/2 Deno sends the body with the answer to HEAD, and of a body that is null it says a
 * length of 0: Hono has let go of the one that GET has.
 */
export function forHead(response: Response, http2: boolean): Response {
  if (isBodiless(response.status)) return response
  const bytes = wholeBytesOf(response)
  if (bytes !== null && (bytes > 0 || !http2)) {
    if (http2) return withHeaderInPublic(withBody(response, null), 'content-length', String(bytes))
    return fieldOf(response, 'content-length') === null
      ? response
      : withHeader(response, 'content-length', String(bytes))
  }
  if (!http2)
    return isStream(response) || fieldOf(response, 'content-length') !== null ? response : withBody(response, endless())
  if (isStream(response)) response.body?.cancel().catch(() => {})
  return withBody(response, null)
}

/** Of a body that is there whole; null: it is none. */
export function wholeBytesOf(response: Response): number | null {
  if (!known) return null
  const whole = innerOf(response)?.body?.streamOrStatic ?? (response as unknown as Slots)[fastBody]
  if (whole === null || whole === undefined || whole instanceof ReadableStream) return null
  const body = typeof whole === 'object' && 'body' in whole ? whole.body : whole
  return typeof body === 'string' ? new TextEncoder().encode(body).length : (body as Uint8Array).byteLength
}

export function withHeader(response: Response, name: string, value: string): Response {
  if (!known) return withHeaderInPublic(response, name, value)
  const slots = response as unknown as Slots
  slots[fastStatus] = 0
  slots[nativeAnswer] = null
  const headerList = headerListOf(response)
  // An answer without a body can be given again.
  const before = find(headerList, name)
  if (before === undefined) headerList.push([name, value])
  else before[1] = value
  return response
}

function find(fields: readonly Field[], name: string): Field | undefined {
  for (const field of fields) if (field[0].length === name.length && field[0].toLowerCase() === name) return field
  return undefined
}
