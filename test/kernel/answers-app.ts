/**
 * Answers that no runtime writes as they are, each by its path. `?later` makes the handler
 * asynchronous.
 */
const bytes = (text: string) => new TextEncoder().encode(text)

/** So many pieces of five bytes. */
function pieces(count: number, failure?: unknown): ReadableStream<Uint8Array> {
  let given = 0
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (given++ < count) controller.enqueue(bytes('piece'))
      else if (failure !== undefined) throw failure
      else controller.close()
    },
  })
}

const ofTwelve = { headers: { 'content-length': '12' } }
const shared = new Response('shared')

const answers: Readonly<Record<string, () => unknown>> = {
  '/hello': () => new Response('hello'),
  '/nothing': () => undefined,
  '/text': () => 'a text',
  '/object': () => ({ status: 200 }),
  '/error': () => Response.error(),
  '/shared': () => shared,
  '/used': async () => {
    const used = new Response('used')
    await used.text()
    return used
  },
  '/locked': () => {
    const locked = new Response(pieces(1))
    locked.body?.getReader()
    return locked
  },
  '/locked-text': () => {
    const locked = new Response('locked')
    locked.body?.getReader()
    return locked
  },
  '/throws': () => {
    throw new Error('secret')
  },
  '/throws-text': () => {
    throw 'secret'
  },
  '/throws-null': () => {
    throw null
  },
  '/brings-nothing': () => {
    throw Object.assign(new Error('secret'), { getResponse: () => 'secret' })
  },
  '/brings': () => {
    throw Object.assign(new Error('secret'), { getResponse: () => new Response('brought', { status: 418 }) })
  },
  '/whole': () => new Response(pieces(2), { headers: { 'content-length': '10' } }),
  '/more': () => new Response(pieces(4), ofTwelve),
  '/fewer': () => new Response(pieces(2), ofTwelve),
  '/text-of-twelve': () => new Response('hello', ofTwelve),
  '/fails': () => new Response(pieces(1, new Error('secret'))),
  '/fails-at-once': () => new Response(pieces(0, new Error('secret'))),
  '/stream': () => new Response(pieces(2)),
  '/null': () => new Response(null),
  '/null-of-twelve': () => new Response(null, ofTwelve),
  '/empty': () => new Response(''),
  '/204': () => new Response(null, { status: 204 }),
  '/304': () => new Response(null, { status: 304 }),
}

export default {
  fetch(request: Request): Response | Promise<Response> {
    const { pathname, search } = new URL(request.url)
    const answer = answers[pathname] as () => Response
    if (search !== '?later') return answer()
    return new Promise<void>((resolve) => setTimeout(resolve, 20)).then(answer)
  },
}
