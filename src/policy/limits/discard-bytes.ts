/** The bytes that are read away of a body after its early response. */
import { edge, type HeldBy, nobody, platform, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import { never, type Rule, type Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'bytes',
  default: 2 ** 20,
  off: true,
  what: 'How much of that rest is read before the connection is given up instead of kept.',
  resets: '–',
  peerSees: 'the whole response, then FIN',
  why: 'Reading more costs more than a new connection.',
  source: 'RFC 9112 9.3 (a server must read the body or close); Go net/http reads 256 KiB',
}

const rule: Rule = {
  options: ['discardBytes'],
  reasons: ['discard'],
  bind({ discardBytes }) {
    if (discardBytes === 0) return null
    return {
      shortestMs: never,
      needsLook: true,
      dueAt: () => never,
      breach: ({ receivedBefore }, { received }) => (received - receivedBefore > discardBytes ? 'discard' : null),
    }
  },
}

export const rules: Rules = { discarding: rule }

const ours = us('lingering close')
const ledger = us('kernel ledger: bytes received since the answer')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: nobody('Bun reads on until the idle clock ends it'),
  workers: platform(edge.unpublished),
}
