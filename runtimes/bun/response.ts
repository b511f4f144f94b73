/**
 * What kind of body a Response has. Bun does not say: to read `response.body` turns a string into a
 * stream (350 ns, and its content type is lost), and a stream has to be known, because Bun's clock
 * must not run while it is quiet. So, as @hono/node-server does, the global constructor is replaced
 * by one that makes native Responses and notes those whose body is a stream, or large. It costs
 * nothing measurable.
 */

import { NativeResponse } from '../../src/http1/web/native.ts'
import { isOurResponse } from '../../src/http1/web/ours.ts'
import { endless, isBodiless, lengthIn, withBody } from '../../src/serve/responses.ts'

const Native = NativeResponse

/**
 * In characters or bytes; what is smaller is not worth the microsecond that it costs to set a
 * clock.
 */
const largeBytes = 256 * 1024

/**
 * Made by this constructor from a stream (or an iterator, or a function that Bun takes for one).
 */
const streams = new WeakSet<object>()
const large = new WeakSet<object>()
/** Whose body may be a file, or come piece by piece, though no stream was given. */
const opaque = new WeakSet<object>()
/** Made by this constructor without a body. */
const bodiless = new WeakSet<object>()

/**
 * The last Response made whose body is neither a stream nor large. What a handler returns in the
 * same turn is that one, and needs no second look.
 */
export let lastPlain: Response | null = null
let isLastBodiless = false
/** See `nameTexts`. */
let namesTexts = false
const textType = 'text/plain;charset=UTF-8'

function HangupResponse(body?: unknown, init?: ResponseInit): Response {
  const response: Response =
    new.target === undefined || new.target === (HangupResponse as unknown)
      ? new Native(body as BodyInit, init)
      : Reflect.construct(Native, [body, init], new.target)
  if (body === null || body === undefined) {
    bodiless.add(response)
    isLastBodiless = true
    lastPlain = response
  } else if (typeof body === 'object') {
    if (isWhole(body, init)) rewrapped(response, init as Response)
    else if (body instanceof ReadableStream || Symbol.asyncIterator in body) streams.add(response)
    else {
      if (body instanceof Blob) opaque.add(response)
      if (sizeOf(body) > largeBytes) large.add(response)
      else plain(response)
    }
  } else if (typeof body === 'string' && body.length > largeBytes) large.add(response)
  else if (typeof body === 'function') streams.add(response)
  else plain(response)
  if (namesTexts && typeof body === 'string' && !response.headers.has('content-type')) {
    response.headers.set('content-type', textType)
  }
  return response
}

/**
 * The `body` of a Response that was made of a text or bytes, with that Response beside it: as Hono
 * puts one that a middleware has set fields on into a new one. Bun still knows what the stream is
 * made of, and sends that, with its length.
 */
function isWhole(body: object, init: unknown): boolean {
  if (!(init instanceof Native) || !(body instanceof ReadableStream)) return false
  return !streams.has(init) && !opaque.has(init) && init.url === '' && init.body === body
}

function rewrapped(response: Response, from: Response): void {
  if (large.has(from)) large.add(response)
  else plain(response)
}

function plain(response: Response): void {
  isLastBodiless = false
  lastPlain = response
}

function sizeOf(body: object): number {
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return body.byteLength
  return body instanceof Blob ? body.size : 0
}

const nativeClone = Native.prototype.clone
function clone(this: Response): Response {
  const copy = nativeClone.call(this)
  if (streams.has(this)) streams.add(copy)
  if (large.has(this)) large.add(copy)
  if (opaque.has(this)) opaque.add(copy)
  return copy
}

declare const HTMLRewriter: { readonly prototype: { transform(given: unknown): unknown } }

/** Makes a Response without the constructor, of one that may be a stream. */
const nativeTransform = HTMLRewriter.prototype.transform
function transform(this: object, given: unknown): unknown {
  const made = nativeTransform.call(this as typeof HTMLRewriter.prototype, given)
  if (made instanceof Native) opaque.add(made)
  return made
}

/** For the whole process; a second call changes nothing. */
export function noteBodies(): void {
  if (globalThis.Response !== Native) return
  Object.defineProperty(HangupResponse, 'name', { value: 'Response' })
  Object.setPrototypeOf(HangupResponse, Native)
  HangupResponse.prototype = Native.prototype
  Native.prototype.constructor = HangupResponse as unknown as typeof Response
  Native.prototype.clone = clone
  HTMLRewriter.prototype.transform = transform
  globalThis.Response = HangupResponse as unknown as typeof Response
}

/**
 * A Response of a text says its type from the start, as the Fetch standard has it. On Bun it does
 * not before `Bun.serve` writes it (oven-sh/bun#21193), and no other server can tell by then that
 * it was a text; without a type a browser guesses, and may take it for HTML. For the whole process.
 */
export function nameTexts(): void {
  namesTexts = true
  noteBodies()
}

/** The body of an answer that is a stream, or null. */
export function streamOf(response: Response): ReadableStream<Uint8Array> | null {
  // What `fetch` returns was not made by the constructor, and only that has a URL.
  return streams.has(response) || response.url !== '' ? response.body : null
}

/**
 * A Response that Bun takes: of its own class, no `Response.error()`, its body not used, and no
 * stream that is locked. A text whose `body` was made a stream and locked Bun finds out by itself.
 */
export function isSound(returned: unknown): boolean {
  if (!(returned instanceof Native) || returned.bodyUsed) return false
  if (returned === lastPlain) return true
  if (isOurResponse(returned)) return false
  return returned.type !== 'error' && !streamOf(returned)?.locked
}

/**
 * Sound, there whole, no 101, and without a word of its connection: told of the last one made
 * alone.
 */
export function isPlain(returned: unknown): boolean {
  if (lastPlain === null || returned !== lastPlain || isLastBodiless || lastPlain.bodyUsed) return false
  return lastPlain.status !== 101 && !lastPlain.headers.has('connection')
}

/**
 * Of a body that is null Bun says a length of 0: Hono has let go of the one that GET has. Of a
 * stream it never says the length.
 */
export function forHead(response: Response): Response {
  if (isBodiless(response.status)) return response
  const stream = streamOf(response)
  const length = response.headers.get('content-length')
  if (stream === null) return bodiless.has(response) && length === null ? withBody(response, endless()) : response
  if (lengthIn(length) === null) return response
  stream.cancel().catch(() => {})
  return withBody(response, null)
}

/**
 * Bun takes the fields out of what it answers with: of one without a body, which may be given
 * again, it gets a copy.
 */
export function toSend(response: Response): Response {
  if (response === lastPlain && !isLastBodiless) return response
  return bodiless.has(response) ? withBody(response, null) : response
}

/** Whether the body is one that the kernel may not take at once. */
export const isLarge = (response: Response): boolean => large.has(response)
