/** An application of somebody else's, on whichever runtime: pages, WebSockets, both engines. Says `fine` if all of it works. */
import assert from 'node:assert/strict'
import { limits, serve, withLimits } from 'hangup'
import { Hono } from 'hono'

const { upgradeWebSocket, Client, more = () => ({}) } = await helpers()

const app = new Hono()
  .get('/', (c) => c.text('hello'))
  .post('/upload', limits({ maxBodyBytes: '1kb' }), async (c) => c.text(`${(await c.req.text()).length}`))
  .get(
    '/ws',
    upgradeWebSocket(() => ({ onMessage: (event, socket) => socket.send(`${event.data} to you`) })),
  )

for (const engine of ['native', 'hangup']) {
  const options = { port: 0, host: '127.0.0.1', idleTimeoutMs: '30s', maxBodyBytes: 100, engine }
  const server = await serve(app, { ...options, ...more() })
  assert.equal(await (await fetch(server.url)).text(), 'hello')
  const upload = await fetch(`${server.url}upload`, { method: 'POST', body: 'x'.repeat(1_000) })
  assert.equal(await upload.text(), '1000')
  assert.equal(await echo(`${server.url.replace('http', 'ws')}ws`), 'hello to you')
  await server.close()
}

const handler = withLimits({ handlerTimeoutMs: '1s' }, () => new Response('no framework'))
const server = await serve(handler, { port: 0, host: '127.0.0.1' })
assert.equal(await (await fetch(server.url)).text(), 'no framework')
// What `await using` calls; not every runtime here can read the syntax.
await server[Symbol.asyncDispose]()

await assert.rejects(serve(app, { idleTimeout: 5 }), { code: 'CONFIG_INVALID' })
assert.throws(() => limits({ idleTimeoutMs: '5s' }), { code: 'CONFIG_INVALID' })
console.log('fine')

function echo(url) {
  return new Promise((resolve, reject) => {
    const socket = new Client(url)
    socket.onopen = () => socket.send('hello')
    socket.onerror = () => reject(new Error(`${url} failed`))
    socket.onmessage = ({ data }) => {
      socket.onclose = () => resolve(data)
      socket.close()
    }
  })
}

async function helpers() {
  const { WebSocket: Client } = globalThis
  if ('Bun' in globalThis) return { Client, upgradeWebSocket: (await import('hono/bun')).upgradeWebSocket }
  if ('Deno' in globalThis) return { Client, upgradeWebSocket: (await import('hono/deno')).upgradeWebSocket }
  const [{ upgradeWebSocket }, { WebSocket, WebSocketServer }] = await Promise.all([
    import('@hono/node-server'),
    import('ws'),
  ])
  // The same for one server after another: each leaves it open.
  const server = new WebSocketServer({ noServer: true })
  const more = () => ({ websocket: { server } })
  return { Client: WebSocket, upgradeWebSocket, more }
}
