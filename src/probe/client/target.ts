/** The server that the suite is aimed at, and what is known of it. */
import type { Enforcement } from '../../policy/enforcement.ts'
import type { Policy } from '../../policy/policy.ts'
import type { ProfileName } from '../case.ts'
import type { ForeignPages } from '../find/routes.ts'
import type { PathName } from '../terms.ts'
import type { Address } from './client.ts'

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
  /**
   * The case is the user's own: bodies and ends are judged as it says, whoever has made the pages.
   */
  readonly asWritten?: boolean | undefined
  /** The policy is what was found out of it. */
  readonly measured?: boolean | undefined
  /** How long anything is waited for while nothing is known of its limits. */
  readonly measureMs?: number | undefined
  /** It runs on this machine: its side of each connection is in the kernel's table. */
  readonly local?: boolean | undefined
  /** An address may be given to this machine's loopback for a client, and taken away under it. */
  readonly vanish?: boolean | undefined
  /**
   * The server's process on this machine: its descriptors and its side of each connection can be
   * seen.
   */
  readonly pid?: number | undefined
  /** A process that we may signal. */
  readonly process?: ServerProcess | undefined
}

export interface ServerProcess {
  signal(name: 'SIGTERM' | 'SIGINT'): void
  readonly exited: Promise<{ readonly code: number | null; readonly stdout: string }>
}
