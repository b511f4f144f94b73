/** Whether a case can be judged on a target at all. */
import { optionNames, type Policy } from '../../policy/policy.ts'
import { type Case, limitsOf, pathsOf } from '../case.ts'
import { tcpRows } from '../client/kernel.ts'
import type { Target } from '../client/target.ts'
import { mayVanish } from '../client/vanish.ts'
import { unfitPage } from '../find/routes.ts'
import type { Plan } from '../probing.ts'
import { ownRoutes, pageOption } from '../settings.ts'
import { type Step, words } from '../words/index.ts'
import { spanMs, unenforced } from './window.ts'

/** Why a case can't be judged on this target, or null. */
export function unjudgeable(theCase: Case, target: Target): string | null {
  if (theCase.transports && !theCase.transports.includes(target.tls ? 'tls' : 'tcp')) {
    return `only over ${theCase.transports.join(', ')}`
  }
  for (const path of pathsOf(theCase)) if (target.paths[path] === undefined) return `no route for ${path}`
  for (const limit of limitsOf(theCase)) {
    const reason = unenforced(limit, target)
    if (reason !== null) return reason
  }
  const unsuited = unsuitedLimit(theCase, target.policy)
  if (unsuited !== null) return unsuited
  if (target.foreign) {
    const reason = unfitPage(theCase, target.paths, target.foreign, (span) => spanMs(span, target))
    if (reason !== null) return reason
  }
  for (const requirement of theCase.requires ?? []) {
    if (requirement === 'kernel' && ((target.pid === undefined && !target.local) || tcpRows() === null)) {
      return 'the server’s side cannot be seen (needs Linux, and the server on this machine)'
    }
    if (requirement === 'kernel' && target.pid === undefined && theCase.steps.some(needsPid)) {
      return 'the server’s descriptors cannot be seen (needs its process id)'
    }
    if (requirement === 'net-admin') {
      if (!target.vanish) return 'this machine is left as it is (--vanish lets an address of it come and go)'
      if (!mayVanish()) return 'no host can be made to vanish (needs CAP_NET_ADMIN)'
    }
    if (requirement.endsWith('process') && target.process === undefined)
      return 'it needs a process that may be signalled'
  }
  return null
}

/** What the case sends is too little, too much or too fast for a limit of this value. */
function unsuitedLimit({ suits = {} }: Case, policy: Policy): string | null {
  for (const name of optionNames) {
    const { least = 0, most = Number.POSITIVE_INFINITY } = suits[name] ?? {}
    const value = policy[name]
    if (value === 0 || (value >= least && value <= most)) continue
    const asks = least === most ? `of ${least}` : value < least ? `from ${least} on` : `up to ${most}`
    return `it is asked of a ${name} ${asks}, and this is ${value}`
  }
  return null
}

const needsPid = (step: Step): boolean => words.wordOf(step).needsPid ?? false

/**
 * Why this server cannot be asked a case, with the flag that would let it, or null. `size`:
 * connections, at most.
 */
export function unaskable(
  theCase: Case,
  { site, serves, nameOf }: Pick<Plan, 'site' | 'serves' | 'nameOf'>,
  size: number,
): string | null {
  if (theCase.requires?.some((requirement) => requirement === 'process' || requirement === 'own-process')) {
    return 'it needs a server of its own, to fill or to stop; the suite runs it on the servers that it starts'
  }
  for (const page of pathsOf(theCase)) {
    if (site.paths[page] !== undefined) continue
    if (ownRoutes.includes(page)) return `only the suite’s own application has the page (${page})`
    return `it needs a page: ${pageOption(page, nameOf)}`
  }
  const connections = words.connectionsOf(theCase.steps)
  if (connections > size) {
    return typeof serves === 'number'
      ? `it needs ${connections} connections, and the server serves ${serves} at once`
      : `it needs more connections: ${nameOf('connections')} ${connections}`
  }
  return null
}
