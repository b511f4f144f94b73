/** Who holds each limit under `Bun.serve` and the kernel ledger, and what Bun does wrong all the same; measured on Bun 1.4.5. */
import type { Enforced, Enforcement } from '../../src/policy/enforcement.ts'
import type { Deviation } from '../../src/serve/runtime.ts'
import { ledgerEnforcement } from '../ledger-enforcement.ts'

const shared = ledgerEnforcement({
  maxHeadBytes: { by: 'runtime', stepMs: 0, how: 'http.maxHeaderSize, one for the whole process' },
  maxHeadFields: {
    by: 'runtime',
    stepMs: 0,
    how: 'Bun’s own, 198: 431; one that is set: by the names in a head, once it is whole: 431',
  },
  maxConcurrentStreams: { by: 'us', stepMs: 0, how: 'HTTP/1.1 alone is spoken' },
})

/** Until its first request Bun ends a connection by a clock of its own, 8 to 12 s after accept; nothing sets that. */
const atMostMs = 8_000
const untilFirstRequest = (enforced: Enforced): Enforced => ({
  ...enforced,
  max: atMostMs,
  how: `${enforced.how}; until the first request Bun’s own clock ends a connection 8–12 s after accept, whatever is set`,
})

export const enforcement: Enforcement = {
  ...shared,
  handshakeTimeoutMs: untilFirstRequest(shared.handshakeTimeoutMs),
  headTimeoutMs: untilFirstRequest(shared.headTimeoutMs),
}

/** Whatever the policy says. */
export const deviations: readonly Deviation[] = [
  {
    what: 'two or more pipelined requests to an asynchronous handler get no answer',
    source: 'bun#38128',
    losesRequests: true,
  },
]
