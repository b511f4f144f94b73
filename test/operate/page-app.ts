/** What the screenshots show being served. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

export default new Hono()
  .get('/reports/:name', async (c) => {
    await sleep(3_000 + 4_000 * Math.random())
    return c.text('late\n')
  })
  .get('/feed', (c) =>
    streamSSE(c, async (stream) => {
      for (let id = 0; id < 40 && !stream.aborted; id++) {
        await stream.writeSSE({ data: `${id}` })
        await sleep(500)
      }
    }),
  )
  .post('/upload', async (c) => c.text(`${(await c.req.arrayBuffer()).byteLength}\n`))
  .get('*', (c) => c.text('hello\n'))
