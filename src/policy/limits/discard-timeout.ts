/** The time of a lingering close: for the rest of a body, and for the end of the client’s side. */
import { bunClock, bunSteps, edge, type HeldBy, platform, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { never, type Rule, type Rules, ranOut } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 5_000,
  off: true,
  what: 'How long the rest of a body is read after it has been answered early.',
  resets: 'nothing',
  peerSees: 'the whole response, then FIN; never an RST over the response',
  why: 'Long enough for a client to read the answer and stop.',
  source: 'RFC 9112 9.6 (lingering close); nginx lingering_timeout 5 s',
}

export const reasons = {
  discard: { label: 'timeout', status: null, act: 'linger', message: null },
  /** The client did not end its side of a connection that we had ended. */
  lingered: { label: 'timeout', status: null, act: 'drop', message: null },
} as const satisfies Reasons

/** How long depends on what the client may still owe: `lifecycle/ending.ts`. */
const lingered: Rule = {
  options: ['discardTimeoutMs'],
  reasons: ['lingered'],
  bind: () => ({
    shortestMs: never,
    needsLook: false,
    dueAt: ({ since, lingerMs }) => since + lingerMs,
    breach: ({ since, lingerMs }, _, now) => (now - since >= lingerMs ? 'lingered' : null),
  }),
}

export const rules: Rules = { discarding: ranOut('discardTimeoutMs', 'discard'), closing: lingered }

const ours = us('lingering close')
const ledger = us('kernel ledger: the end of what we send, later of all')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: runtime('the idle clock, which the rest of the body does not turn back', {
    ...bunSteps,
    max: bunClock.longestMs,
    sharesClockWith: ['idleTimeoutMs'],
  }),
  workers: platform(edge.unpublished),
}
