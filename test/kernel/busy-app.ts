/**
 * What the tests of the ledger's engines ask for while the event loop is blocked, or the client
 * goes: uploads, a block, a WebSocket.
 */
declare const Deno: {
  upgradeWebSocket(request: Request): { readonly socket: WebSocket; readonly response: Response }
}

function upgrade(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request)
  socket.onmessage = ({ data }) => socket.send(data)
  return response
}

const held: (() => void)[] = []

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const ms = Number(searchParams.get('ms'))
    if (pathname === '/block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    else if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    if (pathname === '/upload') {
      let bytes = 0
      for await (const chunk of request.body ?? []) bytes += chunk.length
      return new Response(`${bytes}\n`)
    }
    if (pathname === '/large') return new Response('x'.repeat(Number(searchParams.get('bytes'))))
    if (pathname === '/large-stream')
      return new Response(new Blob(['x'.repeat(Number(searchParams.get('bytes')))]).stream())
    // Decided on when somebody else asks for it.
    if (pathname === '/ws-held') await new Promise<void>((resolve) => held.push(resolve))
    if (pathname === '/held') return new Response(`${held.length}`)
    if (pathname === '/release') {
      for (const release of held.splice(0)) release()
      return new Response('released')
    }
    if (pathname === '/ws' || pathname === '/ws-held') return upgrade(request)
    if (pathname === '/ws-lost') {
      upgrade(request)
      throw new Error('after the upgrade')
    }
    return new Response(`${searchParams.get('name') ?? 'ok'}\n`)
  },
}
