/** Who holds each limit where the hangup engine serves: the same on every runtime but for what its sockets can't. */
import type { Enforced, Enforcement } from '../src/enforcement.ts'

const swept = (how: string): Enforced => ({ by: 'hangup', stepMs: 0, how })

export interface Sockets {
  /** What a peer sees when it takes nothing of its answer. */
  readonly reset: 'RST' | 'FIN'
  /** Who ends a TLS handshake that is not finished. */
  readonly handshake: Enforced
}

export function engineEnforcement({ reset, handshake }: Sockets): Enforcement {
  const write = swept(`swept every 100 ms: bytes taken by the kernel, its send buffer unseen; ${reset}`)
  return {
    handshakeTimeoutMs: handshake,
    headTimeoutMs: swept('swept every 100 ms'),
    maxHeadBytes: swept('the parser'),
    bodyTimeoutMs: swept('swept every 100 ms while the application reads'),
    minBodyBytesPerSec: swept('swept every 100 ms while the application reads'),
    maxBodyBytes: swept('the parser'),
    handlerTimeoutMs: swept('a timer round the handler'),
    writeTimeoutMs: write,
    minResponseBytesPerSec: write,
    minRateGraceMs: swept('credit of the two rates'),
    streamIdleTimeoutMs: swept(`swept every 100 ms; ${reset}: the answer never looks whole`),
    discardTimeoutMs: swept('lingering close'),
    discardBytes: swept('lingering close'),
    idleTimeoutMs: swept('swept every 100 ms'),
    keepAliveHintMs: swept('Keep-Alive header'),
    maxRequestsPerConnection: swept('counted'),
    maxConnectionAgeMs: swept('at each request, and swept while idle'),
    maxConnections: swept('at accept'),
    minIdleMs: swept('asked before a drain or pressure hangs up'),
    drainDelayMs: swept('drain'),
    drainSpreadMs: swept('drain, in steps of 25 ms'),
    drainTimeoutMs: swept('drain'),
  }
}

export const sweptHandshake: Enforced = swept('swept every 100 ms')
