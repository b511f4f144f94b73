/** What a response says of itself that makes it an event stream. */

export const eventStreamType = 'text/event-stream'

/** A comment (WHATWG HTML 9.2.5) and the end of its frame: no client makes an event of it. */
export const comment = new TextEncoder().encode(':\n\n')

/** In lower case, without parameters; '': none. */
export const mediaTypeOf = (headers: Pick<Headers, 'get'>): string =>
  (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
