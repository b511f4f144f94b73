/**
 * A conformance case is data: what a client does, and what the server's end must look like from
 * outside. Its steps are in the words of `words/`. A new check is a new word, never a function in a
 * case.
 */
import * as v from 'valibot'
import type { OptionName } from '../policy/policy.ts'
import { complaintsOf } from './complaints.ts'
import { option, options, type PathName, pathNames } from './terms.ts'
import { type StepsSchema, words } from './words/index.ts'

/**
 * The policies under which a server is started for its cases; a case names the one that it needs.
 */
const profileNames = [
  'timed',
  'protocol',
  'dripping',
  'stream',
  'handler',
  'behind',
  'routed',
  'sized',
  'counted',
  'aged',
  'crowded',
  'crowd',
  'race',
  'drain',
  'drain-cut',
  'drain-announce',
] as const
export type ProfileName = (typeof profileNames)[number]

export const levels = ['must', 'should', 'policy', 'observe'] as const
export const transports = ['tcp', 'tls'] as const

const steps: StepsSchema = v.pipe(v.array(words.schema), v.minLength(1, 'expected at least one step'))

export const caseEntries = {
  /** It never changes; no section number, no position. */
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected lower-case letters, digits and single hyphens')),
  /** must, should: an RFC says so. policy: hangup promises it. observe: written down, never red. */
  level: v.picklist(levels),
  /** A sentence about the server's behaviour. */
  title: v.string(),
  why: v.string(),
  spec: v.array(v.string()),
  profile: v.picklist(profileNames),
  /** Cases that must have passed, or this one is not judged. */
  needs: v.optional(v.array(v.string())),
  /** Limits that it stands on beside those in its steps; off or enforced by nobody: not judged. */
  limits: v.optional(options),
  /** Values of limits, where they are set, for which the case asks what its title says. */
  suits: v.optional(v.record(option, v.strictObject({ least: v.optional(v.number()), most: v.optional(v.number()) }))),
  /** Default: both. */
  transports: v.optional(v.array(v.picklist(transports))),
  /**
   * It needs the server's kernel tables, a host that can vanish, its process, or an end of that
   * process to itself.
   */
  requires: v.optional(v.array(v.picklist(['kernel', 'net-admin', 'process', 'own-process']))),
  /** Loads the machine: run after all others. */
  heavy: v.optional(v.literal(true)),
  steps,
} as const
const caseSchema = v.strictObject(caseEntries)
export type Case = v.InferOutput<typeof caseSchema>

/** The keys that a part of a case may have: a step's, by its word, or the case's own. */
export const keysOf = (part: object): readonly string[] =>
  'steps' in part && 'id' in part ? Object.keys(caseEntries) : words.keysOf(part)

/** Checks the cases of the suite; throws one error that names each bad case. */
export function checkCases(candidates: readonly unknown[]): readonly Case[] {
  const problems: string[] = []
  const seen = new Set<string>()
  const cases: Case[] = []
  for (const candidate of candidates) {
    const id = (candidate as { id?: unknown } | null)?.id
    const wrong = complaintsOf(caseSchema, candidate, keysOf)
    if (wrong.length > 0) {
      problems.push(...wrong.map((why) => `${String(id)}: ${why}`))
      continue
    }
    const checked = candidate as Case
    if (seen.has(checked.id)) problems.push(`${checked.id}: the id is taken`)
    seen.add(checked.id)
    cases.push(checked)
  }
  for (const { id, needs = [] } of cases) {
    for (const need of needs) if (!seen.has(need)) problems.push(`${id}: needs ${need}, which is not a case`)
  }
  if (problems.length > 0) throw new TypeError(`malformed cases:\n${problems.join('\n')}`)
  return cases
}

/**
 * The limits that a case stands on: those that it names, and those by which something in it is due.
 */
export function limitsOf({ limits = [], steps }: Case): readonly OptionName[] {
  const found = new Set<OptionName>(limits)
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'by') for (const name of inner as OptionName[]) found.add(name)
        else walk(inner)
      }
    }
  }
  walk(steps)
  return [...found]
}

/** The pages that a case asks for. */
export function pathsOf({ steps }: Case): readonly PathName[] {
  const text = JSON.stringify(steps)
  const unnamed = new Set(steps.flatMap((step) => words.wordOf(step).pages ?? []))
  return pathNames.filter((name) => text.includes(`{${name}}`) || unnamed.has(name))
}
