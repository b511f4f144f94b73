/** The server that the suite is aimed at, and what is known of it. */
import type { Enforcement } from '../../policy/enforcement.ts'
import { optionNames, type Policy } from '../../policy/policy.ts'
import { type Case, limitsOf, type PathName, type ProfileName, pathsOf } from '../case.ts'
import { type ForeignPages, unfitPage } from '../find/routes.ts'
import { spanMs, unenforced } from '../judge/window.ts'
import type { Address } from './client.ts'
import { tcpRows } from './kernel.ts'
import { mayVanish } from './vanish.ts'

export interface Target extends Address {
  readonly policy: Policy
  /** Without it every limit that is set is expected to be held. */
  readonly enforcement?: Enforcement | undefined
  /** The cases that it is started for; `any`: all that its policy allows. */
  readonly profile: ProfileName | 'any'
  /** Where its routes are; one that is missing is not asked for. */
  readonly paths: Readonly<Partial<Record<PathName, string>>>
  /** The pages are not our own: what is in their bodies is not judged. */
  readonly foreign?: ForeignPages | undefined
  /** The policy is what was found out of it. */
  readonly measured?: boolean | undefined
  /** How long anything is waited for while nothing is known of its limits. */
  readonly measureMs?: number | undefined
  /** It runs on this machine: its side of each connection is in the kernel's table. */
  readonly local?: boolean | undefined
  /** An address may be given to this machine's loopback for a client, and taken away under it. */
  readonly vanish?: boolean | undefined
  /** The server's process on this machine: its descriptors and its side of each connection can be seen. */
  readonly pid?: number | undefined
  /** A process that we may signal. */
  readonly process?: ServerProcess | undefined
}

export interface ServerProcess {
  signal(name: 'SIGTERM' | 'SIGINT'): void
  readonly exited: Promise<{ readonly code: number | null; readonly stdout: string }>
}

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
      return 'the server’s side is not to be seen (needs Linux and the server on this machine)'
    }
    if (requirement === 'kernel' && target.pid === undefined && countsDescriptors(theCase)) {
      return 'the server’s descriptors are not to be seen (needs its process id)'
    }
    if (requirement === 'net-admin') {
      if (!target.vanish) return 'this machine is left as it is (--vanish lets an address of it come and go)'
      if (!mayVanish()) return 'no host can be made to vanish (needs CAP_NET_ADMIN)'
    }
    if (requirement.endsWith('process') && target.process === undefined) return 'needs a process that may be signalled'
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

function countsDescriptors({ steps }: Case): boolean {
  return steps.some((step) => 'descriptors' in step)
}
