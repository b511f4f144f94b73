/**
 * The native engine of whichever runtime runs it, for `close-races.test.ts`: `close-races-server.ts
 * IDLE_MS PAUSE_MS`. Prints its URL, and for each line on standard input what `connections()` says
 * and how many requests it executed. `PAUSE_MS` passes before each `shutdown`, between the look
 * that found nothing to read and the end: what is an instant otherwise is hit then.
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import { type Libc, type Loaded, SHUT_RDWR } from '../../src/kernel/libc.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { LongLived } from '../../src/lifecycle/long-lived.ts'
import { Observer } from '../../src/observe/observer.ts'
import { resolveOptions } from '../../src/policy/resolve.ts'
import type { NativeServer } from '../../src/serve/runtime.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'deno'
const { loadLibc }: { loadLibc(): Loaded | Promise<Loaded> } = await import(`../../runtimes/${runtime}/libc.ts`)
const underLedger = (
  runtime === 'bun'
    ? (await import('../../runtimes/bun/serving.ts')).bunUnderLedger
    : (await import('../../runtimes/deno/serve.ts')).denoUnderLedger
) as (libc: Libc) => NativeServer
const [idleTimeoutMs, pauseMs] = process.argv.slice(2).map(Number) as [number, number]
const loaded = await loadLibc()
if (loaded.libc === null) throw new Error(loaded.why)
const { libc } = loaded

const slow: Libc = {
  ...libc,
  shutdown(fd, how) {
    if (how === SHUT_RDWR) for (const end = performance.now() + pauseMs; performance.now() < end; );
    return libc.shutdown(fd, how)
  },
}

let executed = 0
async function app(request: Request): Promise<Response> {
  executed += 1
  return new Response(`${(await request.arrayBuffer()).byteLength}\n`)
}

const options = { port: 0, host: '127.0.0.1', idleTimeoutMs, signals: false, log: () => {} }
const resolved = resolveOptions(options)
const running = await underLedger(pauseMs === 0 ? libc : slow).serve({
  app,
  options,
  resolved,
  runtime,
  why: 'for a test',
  observer: new Observer(backgroundClock),
  companions: { admin: null },
  longLived: new LongLived(resolved.policy, Math.random),
})
console.log(running.url)
for await (const _ of createInterface(process.stdin)) {
  console.log(JSON.stringify({ ...running.connections(), executed }))
}
