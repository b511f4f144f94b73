/**
 * The native engine of Deno or Bun, or the runtime's own server alone: `ledger.ts ours|bare IDLE_MS
 * PORT`. `GET /delay?ms=N` says how late a timer was in the next N ms, and how long each turn of
 * any other timer took, which are the ledger's.
 */
interface Serves {
  serve(options: object, handler?: unknown): unknown
}
declare const Deno: Serves
declare const Bun: Serves

const now = () => performance.now()
const { setTimeout, setInterval } = globalThis
let turns: number[] = []

/** `callback`, with the time that it took taken down. */
function timed(callback: () => void): () => void {
  return () => {
    const before = now()
    callback()
    turns.push(now() - before)
  }
}
globalThis.setTimeout = ((callback: () => void, ms: number) => setTimeout(timed(callback), ms)) as typeof setTimeout
globalThis.setInterval = ((callback: () => void, ms: number) => setInterval(timed(callback), ms)) as typeof setInterval

const periodMs = 5
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function delays(ms: number) {
  const late: number[] = []
  turns = []
  for (const end = now() + ms; now() < end; ) {
    const before = now()
    await sleep(periodMs)
    late.push(now() - before - periodMs)
  }
  return { late, turns }
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname !== '/delay') return new Response('hello\n')
  return Response.json(await delays(Number(searchParams.get('ms'))))
}

const [who, idleTimeoutMs, port] = [process.argv.at(-3), Number(process.argv.at(-2)), Number(process.argv.at(-1))]
const runtime = 'Bun' in globalThis ? 'bun' : 'deno'
const at = { port, hostname: '127.0.0.1' }
if (who === 'ours') {
  const { serve } = await import(`../../runtimes/${runtime}.ts`)
  await serve(answer, { port, host: at.hostname, engine: 'native', idleTimeoutMs })
} else if (runtime === 'bun') Bun.serve({ ...at, idleTimeout: 0, fetch: answer })
else Deno.serve(at, answer)
