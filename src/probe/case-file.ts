/**
 * Cases of the user's own: what a JSON file or a program says, checked, with the place of each
 * mistake.
 */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { optionNames } from '../policy/policy.ts'
import { type Problem, problem } from '../policy/problems.ts'
import { didYouMean } from '../policy/spelling.ts'
import { type Case, caseEntries, keysOf } from './case.ts'
import { cases } from './cases/index.ts'
import { complaintAt, complaintsOf } from './complaints.ts'
import { pathNames } from './terms.ts'

/** As a case of the suite, but only `id` and `steps` have to be there. */
const ownCase = v.strictObject({
  ...caseEntries,
  /** Default: must, so that a server that does otherwise fails. */
  level: v.optional(caseEntries.level, 'must'),
  /** Default: the id. */
  title: v.optional(caseEntries.title),
  why: v.optional(caseEntries.why, ''),
  spec: v.optional(caseEntries.spec, []),
  /** It says which of the suite's own servers a case is for; a server of yours is always asked. */
  profile: v.optional(caseEntries.profile, 'timed'),
})
/** What a file given to `--case`, or an item of `cases`, says. */
export type CaseInput = v.InferInput<typeof ownCase>

export type OwnCases = readonly Case[]

const form = 'a case {"id": "…", "steps": [{"request": "GET /"}, …]} or a list of cases'

/** What the files say. `name`: the option as the user wrote it. */
export function parseCases(files: readonly string[], name: string, problems: Problem[]): OwnCases {
  return files.flatMap((file) => {
    const complain = (why: string, accepted = '') => void problems.push(problem(name, file, why, accepted))
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      complain(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`)
      return []
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      complain(`not valid JSON (${(error as Error).message})`, form)
      return []
    }
    const list = Array.isArray(value) ? value : [value]
    if (list.length === 0) complain('it has no case', form)
    return readCases(list, Array.isArray(value), complain)
  })
}

/** `isList`: mistakes are told with the place in the list. */
export function readCases(list: readonly unknown[], isList: boolean, complain: (why: string) => void): OwnCases {
  const own: Case[] = []
  list.forEach((candidate, at) => {
    const root = isList ? `[${at}]` : ''
    const wrong = [...complaintsOf(ownCase, candidate, keysOf, root), ...misspelt(candidate, root)]
    for (const why of wrong) complain(why)
    if (wrong.length > 0) return
    const { title, ...read } = v.parse(ownCase, candidate)
    own.push({ ...read, title: title ?? read.id })
  })
  const known = new Set(cases.map(({ id }) => id))
  for (const { id, needs = [] } of own) {
    if (known.has(id)) complain(`the id ${id} is taken; choose another`)
    known.add(id)
    for (const need of needs) {
      if (![...known, ...own.map((one) => one.id)].includes(need)) {
        complain(`${id} needs ${need}, which is not a case${didYouMean(need, [...known])}`)
      }
    }
  }
  return own
}

const placeholders: readonly string[] = ['host', 'hintSec', 'localPort', ...pathNames, ...optionNames]

/**
 * A text that is sent may have braces of its own, so only what is nearly a placeholder is a
 * mistake.
 */
function misspelt(candidate: unknown, root: string): string[] {
  const found: string[] = []
  const walk = (value: unknown, keys: readonly unknown[], known: readonly string[]): void => {
    if (typeof value === 'string') {
      for (const [whole, word = ''] of value.matchAll(/\{(\w+)\}/g)) {
        const fix = known.includes(word) ? '' : didYouMean(word, known)
        if (fix !== '') found.push(complaintAt(root, keys, `unknown placeholder ${whole}${fix}`))
      }
    } else if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) walk(item, [...keys, at], known)
    } else if (typeof value === 'object' && value !== null) {
      const more = Object.keys((value as { with?: object }).with ?? {})
      for (const [key, inner] of Object.entries(value)) walk(inner, [...keys, key], [...known, ...more])
    }
  }
  walk((candidate as { steps?: unknown } | null)?.steps, ['steps'], placeholders)
  return found
}
