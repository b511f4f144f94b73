/** What the `Keep-Alive` header promises; it closes nothing. */
import { type HeldBy, nobody, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 'derived',
  off: true,
  what: 'What `Keep-Alive: timeout=N` promises. Derived: the idle limit less 1 s, in whole seconds.',
  resets: '–',
  peerSees: 'the header',
  why: 'A client that honours it stops using the connection before the server ends it: no request is lost.',
  source: 'RFC 2068 19.7.1.1 (Keep-Alive parameters); Node keepAliveTimeoutBuffer 1 s',
}

const ours = us('Keep-Alive header')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: runtime('Keep-Alive header; HTTP/2 has none'),
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: ours,
  workers: nobody('the edge writes the headers of its connections itself'),
}
