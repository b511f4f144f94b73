/** What the tests of several workers ask: who answers, slowly, and an end. */
import { spawn } from 'node:child_process'
import process from 'node:process'

if (process.env['CLUSTER_APP'] === 'broken') throw new Error('this app does not load')

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/exit') process.exit(7)
    if (pathname === '/block') for (const end = Date.now() + 30_000; Date.now() < end; );
    if (pathname === '/child') {
      const child = spawn('sleep', ['60'], { stdio: 'ignore' })
      child.unref()
      return new Response(String(child.pid))
    }
    await new Promise((done) => setTimeout(done, Number(searchParams.get('ms') ?? 0)))
    return new Response(String(process.pid))
  },
}
