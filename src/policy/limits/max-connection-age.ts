/** The age of a connection: `isLast` ends a busy one, the rule an idle one. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import type { Clocks, Rule, Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Age, give or take 10 %, from which the next answer is the connection’s last; an idle connection of that age is closed, once the time that `keepAliveHintMs` promised is over.',
  resets: 'nothing',
  peerSees: '`Connection: close`, FIN (HTTP/2: GOAWAY)',
  why: 'Needed only where a balancer spreads connections, not requests.',
  source: 'gRPC MAX_CONNECTION_AGE with ±10 % jitter (proposal A9)',
}

export const reasons = {
  age: { label: 'age', status: null, act: 'end', message: null },
} as const satisfies Reasons

/**
 * Never sooner after its last response than that has promised, nor than `minIdleMs`: there is no
 * hurry, and the client may be about to ask.
 */
const rule: Rule = {
  options: ['maxConnectionAgeMs', 'keepAliveHintMs', 'minIdleMs'],
  reasons: ['age'],
  bind({ maxConnectionAgeMs, keepAliveHintMs, minIdleMs }) {
    if (maxConnectionAgeMs === 0) return null
    const keptMs = Math.max(keepAliveHintMs, minIdleMs)
    const dueAt = ({ agesAt, since }: Clocks) => Math.max(agesAt, since + keptMs)
    return {
      shortestMs: keptMs || maxConnectionAgeMs,
      needsLook: false,
      dueAt,
      breach: (clocks, _, now) => (now >= dueAt(clocks) ? 'age' : null),
    }
  },
}

export const rules: Rules = { idle: rule }

const ours = us('at each request, and swept while idle')
const ledger = us('at each answer, and looked at while idle')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: us('since the first request, at each answer; an idle one is left to the idle clock'),
  workers: nobody(edge.itsConnections),
}
