/** Who holds each limit where `node:http` serves. */
import { type Enforced, type Enforcement, probed } from '../../src/policy/enforcement.ts'

const swept = (how: string): Enforced => ({ by: 'us', stepMs: 0, how })
const native = (how: string): Enforced => ({ by: 'runtime', stepMs: 0, how })

export const enforcement: Enforcement = {
  handshakeTimeoutMs: swept('swept every 100 ms'),
  headTimeoutMs: swept('swept every 100 ms'),
  maxHeadBytes: native('http maxHeaderSize'),
  maxHeadFields: swept('counted once the head is whole; HTTP/2: maxHeaderListPairs'),
  bodyTimeoutMs: swept('swept every 100 ms while the application reads; HTTP/2: per session'),
  minBodyBytesPerSec: swept('swept every 100 ms while the application reads; HTTP/2: per session'),
  uploadTimeoutMs: swept('swept every 100 ms; HTTP/2: since the latest body of the session began'),
  maxBodyBytes: swept('Content-Length, else counted'),
  handlerTimeoutMs: swept('a timer round the handler'),
  writeTimeoutMs: swept('swept every 100 ms: bytes taken by the kernel; its send buffer is not seen'),
  minResponseBytesPerSec: swept('swept every 100 ms: bytes taken by the kernel; its send buffer is not seen'),
  minRateGraceMs: swept('credit of the two rates'),
  streamIdleTimeoutMs: swept('swept every 100 ms'),
  discardTimeoutMs: swept('lingering close'),
  discardBytes: swept('lingering close'),
  idleTimeoutMs: swept('swept every 100 ms; HTTP/2: GOAWAY'),
  keepAliveHintMs: native('Keep-Alive header; HTTP/2 has none'),
  maxRequestsPerConnection: swept('counted; HTTP/2: GOAWAY'),
  maxConcurrentStreams: native('SETTINGS_MAX_CONCURRENT_STREAMS of node:http2'),
  maxConnectionAgeMs: swept('at each request, and swept while idle'),
  peerProbeMs: probed,
  maxConnections: swept('at accept'),
  reservedDescriptors: swept('at accept, and swept every 50 ms'),
  minIdleMs: swept('asked before a drain or pressure hangs up'),
  drainDelayMs: swept('drain'),
  drainSpreadMs: swept('drain, in steps of 25 ms'),
  drainTimeoutMs: swept('drain'),
}
