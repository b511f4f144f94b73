/**
 * The bare server of Deno or Bun under the kernel ledger, and nothing else: `ledger.ts IDLE_MS PORT`. `GET /delay?ms=N` says
 * how late a timer was in the next N ms.
 */
import { openKernel } from '../../src/kernel/kernel.ts'
import { peerName } from '../../src/kernel/layout.ts'
import { Ledger } from '../../src/kernel/ledger.ts'
import type { Loaded } from '../../src/kernel/libc.ts'
import { Scan } from '../../src/kernel/scan.ts'
import { resolveOptions } from '../../src/resolve.ts'

interface Peer {
  readonly remoteAddr: { readonly hostname: string; readonly port: number }
  readonly completed: Promise<void>
}
declare const Deno: { serve(options: object, handler: (request: Request, peer: Peer) => unknown): unknown }
declare const Bun: { serve(options: object): unknown }
interface BunServer {
  requestIP(request: Request): { readonly address: string; readonly port: number }
}

const port = Number(process.argv.at(-1))
const onBun = 'Bun' in globalThis
const { loadLibc }: { loadLibc(): Loaded | Promise<Loaded> } = await import(
  `../../runtimes/${onBun ? 'bun' : 'deno'}/libc.ts`
)
const { libc } = await loadLibc()
if (libc === null) throw new Error('no C library')
const kernel = openKernel(libc)
const now = () => performance.now()
const { policy } = resolveOptions({ idleTimeoutMs: Number(process.argv.at(-2)) })
const ledger = new Ledger({ policy, kernel, now, secure: false, notes: 'every', onHangUp: () => {} })

const periodMs = 5
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function delays(ms: number): Promise<number[]> {
  const late: number[] = []
  for (const end = now() + ms; now() < end; ) {
    const before = now()
    await sleep(periodMs)
    late.push(now() - before - periodMs)
  }
  return late.sort((a, b) => a - b)
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname !== '/delay') return new Response('hello\n')
  return Response.json(await delays(Number(searchParams.get('ms'))))
}

if (onBun) {
  Bun.serve({
    port,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request: Request, server: BunServer) {
      const { address, port } = server.requestIP(request)
      const note = ledger.started(peerName(address, port))
      try {
        return await answer(request)
      } finally {
        ledger.finished(note)
      }
    },
  })
} else {
  Deno.serve({ port, hostname: '127.0.0.1' }, (request, { remoteAddr, completed }) => {
    const note = ledger.started(peerName(remoteAddr.hostname, remoteAddr.port))
    const done = () => ledger.finished(note)
    completed.then(done, done)
    return answer(request)
  })
}
new Scan({ kernel, ledger, ports: [port], now }).start()
