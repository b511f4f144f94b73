/** What a parent and its workers say to each other, over the channel between their processes. */
import type { DrainResult } from '../lifecycle/drain.ts'
import type { InheritedAddress } from '../net/inherited.ts'
import type { Running } from '../serve/contract.ts'
import type { Answer, Question, Report } from './questions.ts'

/** What a worker is started with, as JSON. Not HANGUP_: no setting of anybody's. */
export const workerVariable = '_WORKER_OF_HANGUP'

export interface Assignment {
  /** Never given twice by one parent. */
  readonly number: number
  /** The process id of the parent, which may have ended before the worker looks at its own. */
  readonly parent: number
  /** By its listeners, in their order. */
  readonly sockets: readonly { readonly fd: number; readonly at: InheritedAddress }[]
  /** Descriptors that it has inherited and does not need. */
  readonly others: readonly number[]
  /** The parent has an admin listener: what the worker does is watched as if it had one itself. */
  readonly isWatched: boolean
}

/** To a worker. */
export type Order =
  /** `announce`: tell balancers first. The whole server ends. */
  | { readonly order: 'drain'; readonly announce: boolean }
  /**
   * Another worker has taken its place: it answers what it has, and balancers are to hear nothing
   * of it.
   */
  | { readonly order: 'leave' }
  | { readonly order: 'cut' }
  /** As if it had come to it: the parent alone is signalled. */
  | { readonly order: 'signal'; readonly signal: 'SIGHUP' | 'SIGUSR1' }
  | { readonly order: 'answer'; readonly id: number; readonly question: Question }

/** What a start says, of which every worker’s is the same. */
export type WorkerStart = Pick<Running, 'engine' | 'engineWhy' | 'enforcement'> & {
  readonly urls: readonly string[]
  readonly notes: readonly string[]
}

/** From a worker. */
export type Word =
  | { readonly word: 'ready'; readonly start: WorkerStart }
  /** A drain, a leave or a cut has begun. */
  | { readonly word: 'draining'; readonly busy: number }
  | { readonly word: 'drained'; readonly result: DrainResult; readonly last: Report | null }
  | { readonly word: 'answer'; readonly id: number; readonly answer: Answer }
