/**
 * What a schema finds wrong with data, for whoever wrote the data: the place, what is there, and
 * the fix.
 */
import * as v from 'valibot'
import { didYouMean } from '../policy/spelling.ts'

/**
 * `keysOf`: the keys that an object of the data may have, where that is known. `root`: the place of
 * the data itself.
 */
export function complaintsOf(
  schema: v.GenericSchema,
  value: unknown,
  keysOf: (parent: object) => readonly string[],
  root = '',
): string[] {
  const result = v.safeParse(schema, value)
  if (result.success) return []
  return result.issues.map((issue) => {
    const [path, why] = complaint(issue, issue.path ?? [], keysOf)
    return complaintAt(
      root,
      path.map(({ key }) => key),
      why,
    )
  })
}

type Issue = v.BaseIssue<unknown>
type Path = readonly v.IssuePathItem[]

function complaint(issue: Issue, path: Path, keysOf: (parent: object) => readonly string[]): [Path, string] {
  // Of the forms that a value may have, the one that somebody meant is the one whose keys are
  // there.
  const meant = issue.type === 'union' && issue.issues?.find((one) => one.path && !isMissing(one) && !isUnknown(one))
  if (meant) return complaint(meant, [...path, ...(meant.path ?? [])], keysOf)
  const last = path.at(-1)
  if (isUnknown(issue) && last) {
    const keys = keysOf(last.input as object)
    const key = String(last.key)
    const fix = didYouMean(key, keys) || (keys.length > 0 ? `; expected ${keys.join(', ')}` : '')
    return [path.slice(0, -1), `unknown key ${key}${fix}`]
  }
  if (isMissing(issue)) return [path, 'it is missing']
  if (issue.type === 'picklist') {
    const names = [...(issue.expected ?? '').matchAll(/"([^"]*)"/g)].map(([, name = '']) => name)
    const given = issue.received.replace(/^"(.*)"$/, '$1')
    return [path, `unknown ${given}${didYouMean(given, names) || `; expected ${names.join(', ')}`}`]
  }
  const isStandard = issue.message.startsWith('Invalid ')
  return [path, isStandard ? `expected ${issue.expected ?? issue.type}, got ${issue.received}` : issue.message]
}

const isUnknown = ({ type, expected }: Issue): boolean => type === 'strict_object' && expected === 'never'
const isMissing = ({ type, received, expected }: Issue): boolean =>
  type === 'strict_object' && received === 'undefined' && expected !== 'Object'

/** `[0].steps[1].closes.due: why` */
export function complaintAt(root: string, keys: readonly unknown[], why: string): string {
  const place = keys.reduce<string>(
    (at, key) => (typeof key === 'number' ? `${at}[${key}]` : `${at}${at === '' ? '' : '.'}${String(key)}`),
    root,
  )
  return place === '' ? why : `${place}: ${why}`
}
