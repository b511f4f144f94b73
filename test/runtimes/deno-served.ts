/** A main module of one's own for `deno serve`, whose answers say which thread gave them. */
import { hangup } from '../../runtimes/deno.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const served = hangup(
  async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url)
    const ms = Number(searchParams.get('ms'))
    const from = performance.now()
    if (pathname === '/block') while (performance.now() - from < ms);
    if (pathname === '/slow') await sleep(ms)
    if (pathname === '/count') {
      const { open, busy, hungUp, requests } = (await served.running).connections()
      return Response.json({ open, busy, hungUp, requests })
    }
    return new Response(`${performance.timeOrigin}\n`)
  },
  { idleTimeoutMs: 1_000, headTimeoutMs: 1_000, minIdleMs: 1_000, preset: [] },
)

export default served
