/**
 * A program with an access log of its own, which throws; it prints what it was told, and the log.
 */
import { here } from '../../runtimes/here.ts'
import type { AccessEntry } from '../../src/public-types.ts'

const { serve } = await import(`../../runtimes/${here}/index.ts`)
const told: unknown[] = []
const server = await serve(() => new Response('hello'), {
  port: 0,
  host: '127.0.0.1',
  engine: process.argv[2],
  log: ({ code, message }: { code: string; message: string }) => told.push([code, message]),
  accessLog(entry: AccessEntry) {
    if (entry.kind === 'request') told.push([entry.method, entry.target, entry.status, entry.header('x-mine')])
    throw new Error('no room')
  },
})
const headers = { connection: 'close', 'x-mine': 'yes' }
await (await fetch(new URL('/a?b=c', server.url), { headers })).text()
await server.close()
console.log(JSON.stringify(told))
process.exit(0)
