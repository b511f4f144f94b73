/** What a report says of a cell, in words: the same in every form. */

import type { Verdict } from '../judge/verdict.ts'
import { bytes, plural, range, time } from './numbers.ts'
import type { Cell, Expected, ReportTimeline } from './report.ts'

export type Tone = 'good' | 'bad' | 'known' | 'seen' | 'none'

interface Said {
  readonly tone: Tone
  readonly mark: string
  readonly words: string
}

const said: Record<Verdict, Said> = {
  pass: { tone: 'good', mark: '✓', words: 'pass' },
  deviation: { tone: 'known', mark: '≠', words: 'known deviation' },
  observed: { tone: 'seen', mark: '○', words: 'observed' },
  'not-judged': { tone: 'none', mark: '·', words: 'not judged' },
  fail: { tone: 'bad', mark: '✗', words: 'fail' },
  'unexpected-pass': { tone: 'bad', mark: '✗', words: 'the known deviation is gone' },
  'setup-failed': { tone: 'bad', mark: '✗', words: 'did not get that far' },
  'harness-failed': { tone: 'bad', mark: '✗', words: 'could not be seen' },
}

export const sayingOf = ({ verdict }: Pick<Cell, 'verdict'>): Said => said[verdict]

const anchors: Readonly<Record<string, string>> = {
  connected: 'the connection was made',
  sent: 'the last byte was sent',
  received: 'the last byte came',
  paused: 'reading stopped',
  resumed: 'reading went on',
  signalled: 'the signal',
}

/** `1.95 – 2.4 s`, `by 500 ms` */
export function windowOf({ earliestMs, latestMs }: Pick<Expected, 'earliestMs' | 'latestMs'>): string {
  return earliestMs === null ? `by ${time(latestMs)}` : range(Math.max(0, earliestMs), latestMs)
}

/** `due 1.95 – 2.4 s after the last byte came` */
export const dueOf = (expected: Expected): string =>
  `due ${windowOf(expected)} after ${anchors[expected.from] ?? expected.from}`

/** `408, then FIN after 3.01 s` */
export function endOf({ observed: end, observedMs }: Pick<Cell, 'observed' | 'observedMs'>): string | null {
  if (end === null) return null
  const words = end
    .replace(/\bfin$/, 'FIN')
    .replace(/\breset$/, 'RST')
    .replace(/\bopen$/, 'still open')
    .replaceAll(' then ', ', then ')
  return observedMs === null ? words : `${words} after ${time(observedMs)}`
}

/** What happened, for those who do not see the picture. */
export function storyOf({ events, end, untilMs }: ReportTimeline, most = 24): string {
  const parts = events.slice(0, most).map(({ what, atMs, bytes: size, untilMs: lastMs, times, detail }) => {
    const when = lastMs === undefined ? `at ${time(atMs)}` : `from ${time(atMs)} to ${time(lastMs)}`
    const often = times === undefined || times === 1 ? '' : ` in ${plural(times, 'piece')}`
    return `${what}${size === undefined ? '' : ` ${bytes(size)}`}${often} ${when}${detail ? ` (${detail})` : ''}`
  })
  if (events.length > most) parts.push(`and ${events.length - most} more`)
  return `${parts.join('; ')}. ${end === 'open' ? `Still open at ${time(untilMs)}` : `Ended with ${end === 'fin' ? 'FIN' : 'RST'} at ${time(untilMs)}`}.`
}
