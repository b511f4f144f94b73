/** What is said of a lost request: who sent it, when, and what would keep the next one. */
import { otherCauses } from '../lifecycle/cause.ts'
import type { ReasonName } from '../lifecycle/reasons.ts'
import { reasons } from '../lifecycle/reasons.ts'
import type { OptionName, Policy } from '../policy/policy.ts'
import { flagOf } from '../policy/spelling.ts'
import { format } from '../policy/units.ts'
import type { LostRequest } from './lost-requests.ts'

const raise = (...options: OptionName[]): string => `raise ${options.map(flagOf).join(' or ')}`

/** For the reasons that close a connection which waits for its client. */
const remedies: Readonly<Partial<Record<ReasonName, string>>> = {
  idle: `It keeps connections longer than this server: name what it is with --preset, or ${raise('idleTimeoutMs')}`,
  silent: `It opens connections before it needs them: ${raise('headTimeoutMs')}`,
  age: `${flagOf('maxConnectionAgeMs')} spares those that answered less than ${flagOf('keepAliveHintMs')} or ${flagOf('minIdleMs')} ago: raise one of them`,
  pressure: `Its connection made room for another: ${raise('maxConnections', 'minIdleMs')}`,
  drained: `A drain spares those that answered less than ${flagOf('minIdleMs')} ago: raise that one`,
}

export function lostLine({ peer, why, afterMs, waitedMs }: LostRequest, policy: Policy): string {
  const remedy = remedies[why as ReasonName]
  const sent = `${peer} sent a request ${whenOf(why, afterMs, waitedMs, policy)}; it was not executed`
  return remedy === undefined ? sent : `${sent}. ${remedy}`
}

function whenOf(why: LostRequest['why'], afterMs: number, waitedMs: number, policy: Policy): string {
  if (why === 'idle') {
    const limit = policy.idleTimeoutMs
    // While descriptors are short it is shorter.
    const sinceLimit = Math.max(0, waitedMs - limit) + afterMs
    return `${Math.round(sinceLimit)} ms after the idle limit (${format('duration', limit)})`
  }
  const after = `${Math.round(afterMs)} ms after its connection was closed`
  if (why in otherCauses) return `${after} (${otherCauses[why as keyof typeof otherCauses]})`
  return `${after} (${reasons[why as ReasonName].option})`
}
