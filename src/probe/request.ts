/**
 * What is asked of which server: the flags of `hangup probe` or the options of `probe()`, checked.
 */
import { type Problem, problem } from '../policy/problems.ts'
import { didYouMean } from '../policy/spelling.ts'
import type { Case } from './case.ts'
import type { OwnCases } from './case-file.ts'
import { cases } from './cases/index.ts'
import type { ParsedUrl } from './client/url.ts'
import { besideCase } from './find/capacity.ts'
import type { Known } from './find/discover.ts'
import type { Pool } from './judge/expectation.ts'
import type { PathName } from './terms.ts'

export interface ProbeRequest {
  readonly target: ParsedUrl
  /** Where its pages are. */
  readonly paths: Readonly<Partial<Record<PathName, string>>>
  /** What the server is to be judged by; null: what is found out of it. */
  readonly expected: Known | null
  readonly behind: readonly Pool[]
  /** How long an end is waited for that nobody has promised. */
  readonly limitMs: number
  readonly connections: number
  readonly choice: Choice
  readonly pid?: number | undefined
  readonly drain?: boolean | undefined
  readonly vanish?: boolean | undefined
  readonly insecure?: boolean | undefined
  /** Certificates to trust (PEM). */
  readonly ca?: string | undefined
  readonly iMayTestThisHost?: boolean | undefined
  /** An option as the user writes it. */
  nameOf(option: string): string
}

/** All cases that there are for this probe, and which of them are judged. */
export interface Choice {
  readonly cases: readonly Case[]
  /** Cases of the user's own, by id: they are judged as they are written. */
  readonly own: ReadonlySet<string>
  isChosen(theCase: Case): boolean
}

/** `starts`: how the ids of built-in cases begin. Neither starts nor own cases: all. */
export function choiceOf(starts: readonly string[], own: OwnCases, flag: string, problems: Problem[]): Choice {
  const known = [...cases, besideCase]
  for (const start of starts) {
    if (known.some(({ id }) => id.startsWith(start))) continue
    const fix = didYouMean(
      start,
      known.flatMap(({ id }) => beginningsOf(id)),
    )
    problems.push(
      problem(
        flag,
        start,
        `no case begins with it${fix || ' (docs/cases.md has all; a file of your own ends in .json)'}`,
        '',
      ),
    )
  }
  const ids = new Set(own.map(({ id }) => id))
  const isAll = starts.length === 0 && own.length === 0
  return {
    cases: [...cases, ...own],
    own: ids,
    isChosen: ({ id }) => isAll || ids.has(id) || starts.some((start) => id.startsWith(start)),
  }
}

/** `idle`, `idle-after`, `idle-after-response` */
const beginningsOf = (id: string): string[] => id.split('-').map((_, at, words) => words.slice(0, at + 1).join('-'))

export const noBehindWithExpect = 'with limits to expect nothing is measured: give one of the two'
