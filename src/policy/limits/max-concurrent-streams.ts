/** The streams of one HTTP/2 connection. */
import { edge, type HeldBy, nobody, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 200,
  off: true,
  what: 'Requests in flight at once on one HTTP/2 connection. HTTP/1.1 answers one after the other.',
  resets: '–',
  peerSees: 'SETTINGS_MAX_CONCURRENT_STREAMS; RST_STREAM (REFUSED_STREAM) for one too many, which may be tried again',
  why: 'A page asks for some dozens at once. Without a limit one connection holds as many handlers as it likes, and counts as one under maxConnections.',
  source: 'RFC 9113 6.5.2 (no smaller than 100); hyper 200, nginx 128, Go net/http 250',
}

const ours = us('HTTP/1.1 alone is spoken')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: runtime('SETTINGS_MAX_CONCURRENT_STREAMS of node:http2'),
  denoServe: runtime('Deno’s own', { fixed: 200 }),
  bunServe: ours,
  bunIdleTimer: ours,
  workers: nobody(edge.itsConnections),
}
