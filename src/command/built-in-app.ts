/**
 * The app that is served when none is given: a greeting, a health check, and routes that show each
 * limit at work.
 */
import { type Context, Hono } from 'hono'
import { parse } from '../policy/units.ts'

export interface AppOptions {
  /** Whether a balancer should send more; `false` from the first moment of a drain. */
  readonly ready?: () => boolean
}

const largestBytes = 64 * 2 ** 20
const longestWaitMs = 300_000
const longestBusyMs = 2_000

export function createApp({ ready = () => true }: AppOptions = {}): Hono<any> {
  const app = new Hono<any>()

  app.get('/', (c) => c.text('hello\n'))

  app.get('/healthz', (c) => (ready() ? c.text('ok\n') : c.text('draining\n', 503)))

  /** A handler that takes its time, and stops when nobody waits for it any more. */
  app.get('/slow', async (c) => {
    const waitedFor = await sleep(milliseconds(c, 'ms', 5_000), c.req.raw.signal)
    return waitedFor ? c.text('slow\n') : c.text('gave up\n', 503)
  })

  /** A handler that computes, so that nobody else has a turn. */
  app.get('/busy', (c) => {
    const until = performance.now() + Math.min(milliseconds(c, 'ms', 500), longestBusyMs)
    while (performance.now() < until);
    return c.text('busy\n')
  })

  /** Two chunks and a silence between them: an answer that is in progress and quiet. */
  app.get('/stream', (c) => {
    const quietMs = milliseconds(c, 'ms', 3_000)
    let timer: ReturnType<typeof setTimeout>
    return c.body(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(encoder.encode('first\n'))
          timer = setTimeout(() => {
            controller.enqueue(encoder.encode('last\n'))
            controller.close()
          }, quietMs)
        },
        cancel: () => clearTimeout(timer),
      }),
      200,
      { 'Content-Type': 'text/plain; charset=utf-8' },
    )
  })

  app.get('/events', (c) => {
    const everyMs = Math.max(milliseconds(c, 'every', 1_000), 10)
    let timer: ReturnType<typeof setInterval>
    return c.body(
      new ReadableStream<Uint8Array>({
        start(controller) {
          let sent = 0
          const send = () => controller.enqueue(encoder.encode(`data: ${++sent}\n\n`))
          send()
          timer = setInterval(send, everyMs)
        },
        cancel: () => clearInterval(timer),
      }),
      200,
      { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
    )
  })

  /** Reads the body to its end, and answers after `ms` more. */
  app.post('/upload', async (c) => {
    let bytes = 0
    // A reader, not `for await`: workerd and browsers do not all iterate a request's body.
    const reader = c.req.raw.body?.getReader()
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) bytes += part.value.length
    await sleep(milliseconds(c, 'ms', 0), c.req.raw.signal)
    return c.text(`${bytes}\n`)
  })

  /** The host that the request was for, however its target was written. */
  app.get('/authority', (c) => c.text(`${new URL(c.req.url).host}\n`))

  /** Answers that have no body, with and without saying so. */
  app.get('/empty', (c) => c.body(null, 204))

  app.get('/reset', (c) => c.body(null, 205 as never))

  /** An answer that breaks in the middle. */
  app.get('/broken', (c) => {
    let pulled = 0
    return c.body(
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await sleep(20, c.req.raw.signal)
          if (pulled++ > 0) controller.error(new Error('broken, as asked'))
          else controller.enqueue(encoder.encode('first\n'))
        },
      }),
    )
  })

  /**
   * Answers before the body, without reading it: what happens to the rest is the server’s affair.
   */
  app.post('/early', (c) => c.text('no, thank you\n', 413))

  /** One body from memory. */
  app.get('/large', (c) => {
    const asked = parse('bytes', c.req.query('bytes') ?? '8mb')
    if (typeof asked === 'string') return c.text(`bytes: ${asked}\n`, 400)
    return c.body(new Uint8Array(Math.min(asked, largestBytes)), 200, { 'Content-Type': 'application/octet-stream' })
  })

  /** As fast as it is read, for ever. */
  app.get('/endless', (c) => {
    const chunk = new Uint8Array(64 * 1024)
    return c.body(
      new ReadableStream<Uint8Array>({
        // A copy, because a byte stream may detach what it is given.
        pull: (controller) => controller.enqueue(chunk.slice()),
      }),
      200,
      { 'Content-Type': 'application/octet-stream' },
    )
  })

  return app
}

const encoder = new TextEncoder()

/** A number of milliseconds from the query, held between 0 and five minutes. */
function milliseconds(c: Context, name: string, otherwise: number): number {
  const given = Number(c.req.query(name) ?? otherwise)
  return Number.isFinite(given) ? Math.min(Math.max(given, 0), longestWaitMs) : otherwise
}

/** True after `ms`, false as soon as the signal is aborted. */
function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (slept: boolean) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      resolve(slept)
    }
    const aborted = () => end(false)
    const timer = setTimeout(() => end(true), ms)
    signal.addEventListener('abort', aborted)
  })
}
