/**
 * What is attacked: answers at once, long, after a body, and WebSockets that are taken at once,
 * later, or not.
 */
import { Hono } from 'hono'
import { upgradeWebSocket, websocket } from '../application/helpers.ts'

export { websocket }

const echo = upgradeWebSocket(() => ({
  onMessage: ({ data }, socket) => socket.send(data as string),
}))
const later = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 20))

export default new Hono()
  .get('/', (c) => c.text('hello\n'))
  .post('/', (c) => c.text('not read\n'))
  .get('/large', (c) => c.body('x'.repeat(1_000_000)))
  .post('/upload', async (c) => c.text(`${(await c.req.arrayBuffer()).byteLength}\n`))
  .get('/ws', echo)
  .get('/ws-later', async (c, next) => {
    await later()
    return echo(c, next)
  })
  .get('/ws-refused', async (c) => {
    await later()
    return c.text('no\n', 403)
  })
  // Whose client has gone.
  .onError((_, c) => c.text('failed\n', 500))
