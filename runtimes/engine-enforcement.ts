/** Who holds each limit where the hangup engine serves: the same on Node, Bun and Deno. */
import { type Enforced, type Enforcement, probed } from '../src/policy/enforcement.ts'

const swept = (how: string): Enforced => ({ by: 'us', stepMs: 0, how })

export const engineEnforcement: Enforcement = {
  handshakeTimeoutMs: swept('swept every 50 ms'),
  headTimeoutMs: swept('swept every 50 ms'),
  maxHeadBytes: swept('the parser'),
  maxHeadFields: swept('the parser'),
  bodyTimeoutMs: swept('swept every 50 ms while the application reads'),
  minBodyBytesPerSec: swept('swept every 50 ms while the application reads'),
  uploadTimeoutMs: swept('swept every 50 ms'),
  maxBodyBytes: swept('the parser'),
  handlerTimeoutMs: swept('a timer round the handler'),
  writeTimeoutMs: swept('swept every 50 ms: bytes taken by the kernel; its send buffer is not seen'),
  minResponseBytesPerSec: swept('swept every 50 ms: bytes taken by the kernel; its send buffer is not seen'),
  minRateGraceMs: swept('credit of the two rates'),
  streamIdleTimeoutMs: swept('swept every 50 ms'),
  discardTimeoutMs: swept('lingering close'),
  discardBytes: swept('lingering close'),
  idleTimeoutMs: swept('swept every 50 ms'),
  keepAliveHintMs: swept('Keep-Alive header'),
  maxRequestsPerConnection: swept('counted'),
  maxConcurrentStreams: swept('HTTP/1.1 alone is spoken'),
  maxConnectionAgeMs: swept('at each request, and swept while idle'),
  peerProbeMs: probed,
  maxConnections: swept('at accept'),
  reservedDescriptors: swept('at accept, and swept every 50 ms'),
  minIdleMs: swept('asked before a drain or pressure hangs up'),
  drainDelayMs: swept('drain'),
  drainSpreadMs: swept('drain, in steps of 25 ms'),
  drainTimeoutMs: swept('drain'),
}
