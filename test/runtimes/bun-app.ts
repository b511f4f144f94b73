/** What the tests of the Bun entry ask for beside the built-in app. */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { Hono } from 'hono'
import { getConnInfo, upgradeWebSocket } from 'hono/bun'
import { createApp } from '../../src/command/built-in-app.ts'

const app = createApp()

app.get('/throw', (): Response => {
  throw new Error('secret')
})
app.get('/reject', () => Promise.reject(new Error('secret')))
app.post('/json', async (c) => c.json(await c.req.json()))
app.post('/form', async (c) => c.text(String((await c.req.formData()).get('name'))))
app.post('/echo', (c) => c.body(c.req.raw.body as ReadableStream))
app.get('/failing', (c) =>
  c.body(
    new ReadableStream({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode('first'))
        await new Promise((resolve) => setTimeout(resolve, 100))
        throw new Error('secret')
      },
    }),
  ),
)
app.get('/whoami', (c) => c.text(getConnInfo(c).remote.address ?? ''))
app.post('/whoami', async (c) => c.text(`${await c.req.text()} from ${getConnInfo(c).remote.address}`))
app.get(
  '/ws',
  upgradeWebSocket(() => ({ onMessage: (event, socket) => socket.send(`echo ${event.data}`) })),
)

let posts = 0
app.post('/count', async (c) => {
  posts += 1
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
  return c.text('ok')
})
process.on('exit', () => writeSync(1, `posts=${posts}\n`))

/**
 * These say when their handler began, by the clock of the machine: before the response, which is
 * what it is without.
 */
const timed = new Hono<any>()
for (const path of ['/', '/slow', '/stream', '/reject']) {
  timed.use(path, async (c, next) => {
    c.header('Begun-At', String(Date.now()))
    await next()
  })
}

export default timed.route('/', app)
