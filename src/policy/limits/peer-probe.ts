/** The quiet time after which the kernel asks whether a client is still there. */
import { edge, type HeldBy, nobody, probed } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 60_000,
  off: true,
  what: 'Quiet time, in whole seconds, after which a client is asked by TCP keepalive whether it is there; one that does not answer is gone 10 s later.',
  resets: 'anything that comes from the client',
  peerSees: 'nothing: it has vanished without FIN',
  why: 'An idle client that vanished is ended anyway; this finds one that vanished under a handler, a quiet stream or a WebSocket. The kernel would ask after two hours.',
  source: 'Linux tcp_keepalive_time 7200 s; Go net.KeepAliveConfig 15 s; RFC 9293 3.8.4',
}

export const heldBy: HeldBy = {
  socketEngine: probed,
  nodeHttp: probed,
  denoServe: probed,
  bunServe: probed,
  bunIdleTimer: nobody('Bun.serve shows no socket to set it on; the kernel ledger and the hangup engine do'),
  workers: nobody(edge.itsConnections),
}
