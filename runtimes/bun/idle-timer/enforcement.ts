/** Who holds each limit under `Bun.serve` and its own clock, measured on Bun 1.4.5. */

import type { Enforced, Enforcement } from '../../../src/policy/enforcement.ts'
import { clockStepMs, longestClockMs } from './clock.ts'

const ours = (how: string, stepMs = 0): Enforced => ({ by: 'us', stepMs, how })
const bun = (how: string, more: Partial<Enforced> = {}): Enforced => ({ by: 'runtime', stepMs: 0, how, ...more })
const nobody = (how: string): Enforced => ({ by: 'nobody', stepMs: 0, how })

/** A limit is set a whole step longer than it is, so that the clock is never early. */
const clock = { stepMs: 2 * clockStepMs }

/** Until the first request Bun runs a clock of its own, which is not to be set: it ends a connection 8 to 12 s after accept. */
const untilFirstRequest = { stepMs: 12_000, max: 8_000 }

export const enforcement: Enforcement = {
  handshakeTimeoutMs: bun('Bun’s own: 8–12 s after accept, whatever is set', untilFirstRequest),
  headTimeoutMs: bun(
    'first head: Bun’s own, 8–12 s after accept, whatever is set; later heads: the idle clock since the last answer; FIN, no 408',
    { ...untilFirstRequest, sharesClockWith: ['idleTimeoutMs'] },
  ),
  maxHeadBytes: bun('http.maxHeaderSize, one for the whole process'),
  maxHeadFields: nobody('Bun has no such limit below its own, 198 fields; the ledger counts them (Linux)'),
  bodyTimeoutMs: ours('swept every 100 ms while the application reads the body through the Request it was given'),
  minBodyBytesPerSec: ours('swept every 100 ms while the application reads the body through the Request it was given'),
  uploadTimeoutMs: nobody('the kernel ledger holds it (Linux), and so does --engine hangup'),
  maxBodyBytes: ours('Content-Length, else counted; the rest is read away, so that the 413 arrives'),
  handlerTimeoutMs: ours('a timer round the handler'),
  writeTimeoutMs: {
    by: 'us',
    stepMs: clock.stepMs,
    max: longestClockMs,
    sharesClockWith: ['idleTimeoutMs'],
    how: 'streams: no piece taken, then Bun’s clock, up to 4 s; over 256 KB: Bun’s clock, which then runs until the next request; smaller: the idle clock; FIN after what the kernel holds',
  },
  minResponseBytesPerSec: nobody('Bun does not say what the client has taken; the kernel does (Linux)'),
  minRateGraceMs: ours('credit of the upload rate'),
  streamIdleTimeoutMs: ours('swept every 100 ms; the peer sees RST'),
  discardTimeoutMs: bun('the idle clock, which the rest of the body does not turn back', {
    ...clock,
    max: longestClockMs,
    sharesClockWith: ['idleTimeoutMs'],
  }),
  discardBytes: nobody('Bun reads on until the idle clock ends it'),
  idleTimeoutMs: bun('idleTimeout and server.timeout(), a clock in steps of 4 s', { ...clock, max: longestClockMs }),
  keepAliveHintMs: ours('Keep-Alive header'),
  maxRequestsPerConnection: ours('counted by the client’s address and port'),
  maxConcurrentStreams: ours('HTTP/1.1 alone is spoken'),
  maxConnectionAgeMs: ours('since the first request, at each answer; an idle one is left to the idle clock'),
  peerProbeMs: nobody('Bun.serve shows no socket to set it on; the kernel ledger and the hangup engine do'),
  maxConnections: nobody('Bun accepts without asking; a proxy in front or a limit in the kernel'),
  reservedDescriptors: nobody(
    'Bun.serve shows no connection to hang up on; the kernel ledger and the hangup engine do',
  ),
  minIdleMs: ours(
    'a drain shuts listener and idle connections together, this long after the last answer that did not say so, at half time at the latest',
  ),
  drainDelayMs: ours('drain'),
  drainSpreadMs: nobody('Bun ends all idle connections at once'),
  drainTimeoutMs: ours('drain; a connection that never sent a byte is left to Bun’s own clock'),
}
