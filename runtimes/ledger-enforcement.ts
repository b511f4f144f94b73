/** Who holds each limit where a runtime's own server runs under the kernel ledger: the same on Deno and Bun, but for the head's size. */
import { type Enforced, type Enforcement, probed } from '../src/policy/enforcement.ts'

const ledger = (how: string): Enforced => ({ by: 'us', stepMs: 0, how })

/** `own`: what only the runtime's server can hold. */
export const ledgerEnforcement = (
  own: Pick<Enforcement, 'maxHeadBytes' | 'maxHeadFields' | 'maxConcurrentStreams'>,
): Enforcement => ({
  ...own,
  handshakeTimeoutMs: ledger('kernel ledger, looked at when due'),
  headTimeoutMs: ledger('kernel ledger, looked at when due; under TLS FIN, no 408'),
  bodyTimeoutMs: ledger('kernel ledger, while the application reads the body through the Request it was given'),
  minBodyBytesPerSec: ledger('kernel ledger, while the application reads the body through the Request it was given'),
  uploadTimeoutMs: ledger('kernel ledger, while the application reads the body through the Request it was given'),
  maxBodyBytes: ledger('Content-Length, else counted as the application reads'),
  handlerTimeoutMs: ledger('a timer round the handler'),
  writeTimeoutMs: ledger('kernel ledger: bytes that the client has acknowledged'),
  minResponseBytesPerSec: ledger('kernel ledger: bytes that the client has acknowledged'),
  minRateGraceMs: ledger('credit of the two rates'),
  streamIdleTimeoutMs: ledger('kernel ledger'),
  discardTimeoutMs: ledger('kernel ledger: the end of what we send, later of all'),
  discardBytes: ledger('kernel ledger: bytes received since the answer'),
  idleTimeoutMs: ledger('kernel ledger, looked at when due'),
  keepAliveHintMs: ledger('Keep-Alive header'),
  maxRequestsPerConnection: ledger('counted'),
  maxConnectionAgeMs: ledger('at each answer, and looked at while idle'),
  peerProbeMs: probed,
  maxConnections: ledger('kernel ledger, when a connection is found or speaks'),
  reservedDescriptors: ledger('kernel ledger, every 50 ms and as requests come'),
  minIdleMs: ledger('asked before a drain or pressure hangs up'),
  drainDelayMs: ledger('drain'),
  drainSpreadMs: ledger('drain, in steps of 25 ms'),
  drainTimeoutMs: ledger('drain'),
})
