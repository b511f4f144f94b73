/** What the tests of the ledger's engines ask for while the event loop is blocked, or the client goes: uploads, a block, a WebSocket. */
declare const Deno: {
  upgradeWebSocket(request: Request): { readonly socket: WebSocket; readonly response: Response }
}

function upgrade(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request)
  socket.onmessage = ({ data }) => socket.send(data)
  return response
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const ms = Number(searchParams.get('ms'))
    const from = performance.now()
    if (pathname === '/block') while (performance.now() - from < ms);
    else if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    if (pathname === '/upload') {
      let bytes = 0
      for await (const chunk of request.body ?? []) bytes += chunk.length
      return new Response(`${bytes}\n`)
    }
    if (pathname === '/large') return new Response('x'.repeat(Number(searchParams.get('bytes'))))
    if (pathname === '/large-stream')
      return new Response(new Blob(['x'.repeat(Number(searchParams.get('bytes')))]).stream())
    if (pathname === '/ws') return upgrade(request)
    if (pathname === '/ws-lost') {
      upgrade(request)
      throw new Error('after the upgrade')
    }
    return new Response(`${searchParams.get('name') ?? 'ok'}\n`)
  },
}
