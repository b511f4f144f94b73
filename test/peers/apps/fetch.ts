/**
 * The pages of a peer that takes a `fetch` handler: nothing but web standards, so that no framework
 * is measured.
 */
const encoder = new TextEncoder()
const chunk = new Uint8Array(64 * 1024)

export async function pages(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const ms = Number(searchParams.get('ms') ?? 0)
  switch (pathname) {
    case '/':
      return new Response('hello\n')
    case '/slow':
      await sleep(ms)
      return new Response('slow\n')
    case '/stream':
      return new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(encoder.encode('first\n'))
            await sleep(ms)
            controller.enqueue(encoder.encode('last\n'))
            controller.close()
          },
        }),
      )
    case '/large': {
      let left = Number(searchParams.get('bytes'))
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(chunk.slice(0, left))
            left -= chunk.length
            if (left <= 0) controller.close()
          },
        }),
      )
    }
    case '/upload': {
      let bytes = 0
      const reader = request.body?.getReader()
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) bytes += part.value.length
      await sleep(ms)
      return new Response(`${bytes}\n`)
    }
    default:
      return new Response('no such page\n', { status: 404 })
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
