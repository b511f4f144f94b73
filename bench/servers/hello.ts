/** The same app on every server of a comparison. */
import { Hono } from 'hono'
import { api } from './api.ts'

const text = 'x'.repeat(100 * 1024)
const encoder = new TextEncoder()
const bytes = encoder.encode(text)

export const app = new Hono()
  .get('/', (c) => c.text('hello\n'))
  .get('/async', async (c) => {
    await null
    return c.text('hello\n')
  })
  .get('/bytes', (c) => c.body(bytes))
  .get('/text', (c) => c.text(text))
  .post('/length', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)))
  .get('/events', (c) => {
    let timer: ReturnType<typeof setInterval>
    let id = 0
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(encoder.encode(`data: ${++id}\n\n`)), 1_000)
      },
      cancel: () => clearInterval(timer),
    })
    return c.body(stream, 200, { 'Content-Type': 'text/event-stream' })
  })
  .route('/api', api)

const hinted = (response: Response): Response => {
  response.headers.set('keep-alive', 'timeout=4')
  return response
}

/**
 * The app alone, or, with `hint` among the arguments, with the field that our `serve` adds to each
 * answer.
 */
export const fetch: typeof app.fetch = process.argv.includes('hint')
  ? (request, env) => {
      const answer = app.fetch(request, env)
      return answer instanceof Promise ? answer.then(hinted) : hinted(answer)
    }
  : app.fetch

export const port = Number(process.argv.at(-1))
