/** What a drain does about what would outlive it. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'streams',
  default: 1,
  off: true,
  what: 'Drain, phase 2 (close): `end` the event streams that a GET opened and the WebSockets, each at its moment within drainSpreadMs; or let them `finish`, until shortly before drainTimeoutMs.',
  resets: '–',
  peerSees: 'event stream: a last `retry:` of 1 to 3 s and its orderly end; WebSocket: close 1001',
  why: 'Their clients come back by themselves (EventSource does), and find another server. An event stream that answers a POST, as those of language models do, is the answer to one request, and is let finish.',
  source: 'RFC 6455 7.4.1: 1001, going away; WHATWG HTML 9.2: EventSource reconnects',
}

const ours = us('drain, in steps of 25 ms; an event stream between two events, not if it is compressed')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: ours,
  workers: nobody(edge.noDrain),
}
