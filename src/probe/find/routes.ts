/**
 * Where a case's pages are. The suite's own servers take `?ms=` and `?bytes=` on fixed paths;
 * another server's page has a place for the amount in its path (`/wait/{ms}`), or none: then it is
 * as slow or as large as it was measured to be.
 */
import { parse } from '../../policy/units.ts'
import type { Case } from '../case.ts'
import { type PathName, pathNames, type Span } from '../terms.ts'

export interface ForeignPages {
  /** What a page without a placeholder was measured at. */
  readonly measured: Readonly<Partial<Record<PathName, { readonly ms: number; readonly bytes: number }>>>
}

type Paths = Readonly<Partial<Record<PathName, string>>>

/** `{slow}?ms={ms}`, `{large}?bytes=16mb`, `{hello}` */
const page = new RegExp(`\\{(${pathNames.join('|')})\\}(?:\\?(\\w+)=(\\{\\w+\\}|\\w+))?`, 'g')

/** What is asked of a page with a place for an amount by a case that has no wish. */
const unasked: Readonly<Record<string, string>> = { ms: '0', bytes: String(16 * 2 ** 20) }

/** Writes paths for pages. A page that the target does not have stays as it is. */
export function fillPages(text: string, paths: Paths, foreign?: ForeignPages): string {
  return text.replace(page, (whole, name: PathName, amount: string | undefined, value: string) => {
    const path = paths[name]
    if (path === undefined) return whole
    if (!foreign) return whole.replace(`{${name}}`, path)
    return path.replace(/\{(ms|bytes)\}/g, (_, kind: string) =>
      kind === amount ? plain(value) : (unasked[kind] ?? ''),
    )
  })
}

/** `16mb` as a server that is not ours reads it. */
function plain(value: string): string {
  const bytes = parse('bytes', value)
  return typeof bytes === 'number' ? String(bytes) : value
}

/** Between what a case wants and what a page of fixed size may have. */
const atMostTimes = 4

/** Why a page without a placeholder does not do for a case, or null. */
export function unfitPage(
  theCase: Case,
  paths: Paths,
  foreign: ForeignPages,
  ms: (span: Span) => number,
): string | null {
  for (const { name, kind, wanted } of wishes(theCase, ms)) {
    const measured = foreign.measured[name]
    if (!measured || paths[name]?.includes(`{${kind}}`)) continue
    const has = measured[kind]
    if (kind === 'ms' && has < wanted) {
      return `${paths[name]} takes ${Math.round(has)} ms, ${Math.round(wanted)} are needed: write {ms} where its path says how long`
    }
    if (kind === 'bytes' && (has < wanted || has > wanted * atMostTimes)) {
      return `${paths[name]} has ${has} bytes, about ${wanted} are needed: write {bytes} where its path says how many`
    }
  }
  return null
}

interface Wish {
  readonly name: PathName
  readonly kind: 'ms' | 'bytes'
  readonly wanted: number
}

function wishes(theCase: Case, ms: (span: Span) => number): Wish[] {
  const found: Wish[] = []
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { send, with: spans = {} } = value as { send?: unknown; with?: Record<string, Span> }
    if (typeof send === 'string') {
      for (const [, name, kind, text = ''] of send.matchAll(page)) {
        if (kind !== 'ms' && kind !== 'bytes') continue
        const span = spans[text.slice(1, -1)]
        const wanted = span !== undefined ? ms(span) : kind === 'ms' ? Number(text) : Number(plain(text))
        if (Number.isFinite(wanted)) found.push({ name: name as PathName, kind, wanted })
      }
    }
    Object.values(value).forEach(walk)
  }
  walk(theCase.steps)
  return found
}

/** How much longer an answer may take because a page can't be told to be quick. */
export function slowestMs(foreign: ForeignPages | undefined): number {
  return Math.max(0, ...Object.values(foreign?.measured ?? {}).map(({ ms }) => ms))
}
