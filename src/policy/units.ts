/**
 * Durations, sizes and rates as people write them. In code an option is a number in the unit that
 * its name carries (`idleTimeoutMs: 5000`); in a flag or a variable it is text with a unit (`5s`).
 * A bare number other than 0 is refused in text, because nobody can tell afterwards whether `30`
 * meant seconds.
 */
export type Kind = NumberKind | WordKind
type NumberKind = 'duration' | 'bytes' | 'rate' | 'count' | 'percent'
type WordKind = keyof typeof words

/** A choice: its number is the word's place. The first is off, where nothing has to be held. */
export const words = {
  streams: ['finish', 'end'],
} as const

export const isOfWords = (kind: Kind): kind is WordKind => Object.hasOwn(words, kind)

interface Unit {
  readonly factor: number
  readonly names: readonly string[]
}

const duration: readonly Unit[] = [
  { factor: 3_600_000, names: ['h'] },
  { factor: 60_000, names: ['m', 'min'] },
  { factor: 1_000, names: ['s'] },
  { factor: 1, names: ['ms'] },
]

/** Powers of 1024, as nginx, HAProxy and the JVM read the same letters. */
const bytes: readonly Unit[] = [
  { factor: 2 ** 30, names: ['gb', 'g', 'gib'] },
  { factor: 2 ** 20, names: ['mb', 'm', 'mib'] },
  { factor: 2 ** 10, names: ['kb', 'k', 'kib'] },
  { factor: 1, names: ['b'] },
]

const rate: readonly Unit[] = bytes.map((unit) => ({
  factor: unit.factor,
  names: [...unit.names.map((name) => `${name}/s`), ...unit.names],
}))

const units: Record<NumberKind, readonly Unit[]> = {
  duration,
  bytes,
  rate,
  count: [{ factor: 1, names: [''] }],
  percent: [{ factor: 1, names: ['%', ''] }],
}

/** What a value of this kind may look like, for messages and `--help`. */
export const accepted: Record<Kind, string> = {
  duration: 'a duration with a unit (250ms, 5s, 2m, 1h)',
  bytes: 'a size with a unit (512b, 64kb, 1mb, 2gb; 1gb is 2^30 bytes)',
  rate: 'a rate with a unit (240b/s, 10kb/s)',
  count: 'a whole number (100)',
  percent: 'a share (20%)',
  streams: words.streams.join(' or '),
}

/** The longest time that a timer of any of the runtimes can hold (2^31 - 1 ms, 24.8 days). */
export const longestMs = 2 ** 31 - 1

/**
 * Reads text with a unit; `off` and `0` are 0. Returns a sentence of what is wrong instead of a
 * number if it can't.
 */
export function parse(kind: Kind, text: string): number | string {
  const trimmed = text.trim().toLowerCase()
  if (trimmed === 'off' || trimmed === '0') return 0
  if (isOfWords(kind)) {
    const place = (words[kind] as readonly string[]).indexOf(trimmed)
    return place === -1 ? `${JSON.stringify(text)} is neither ${words[kind].join(' nor ')}` : place
  }
  const match = /^(\d+(?:\.\d+)?)\s*(%|[a-z]*(?:\/s)?)$/.exec(trimmed)
  if (!match) return `${JSON.stringify(text)} is not ${article[kind]}`
  const [, digits = '', name = ''] = match
  const unit = units[kind].find((candidate) => candidate.names.includes(name))
  if (!unit) {
    return name === ''
      ? `${JSON.stringify(text)} has no unit`
      : `${JSON.stringify(text)}: ${name} is not a unit of ${article[kind]}`
  }
  // 1.005s is 1004.9999999999999 ms in binary floating point.
  const value = Number((Number(digits) * unit.factor).toPrecision(15))
  return Number.isSafeInteger(value) ? value : `${JSON.stringify(text)} is not a whole number of ${smallest[kind]}`
}

const article: Record<NumberKind, string> = {
  duration: 'a duration',
  bytes: 'a size',
  rate: 'a rate',
  count: 'a whole number',
  percent: 'a share',
}

const smallest: Record<NumberKind, string> = {
  duration: 'ms',
  bytes: 'bytes',
  rate: 'bytes a second',
  count: 'things',
  percent: 'percent',
}

/** The shortest text that `parse` reads back as the same number; 0 is `off`. */
export function format(kind: Kind, value: number): string {
  if (isOfWords(kind)) return words[kind][value] ?? String(value)
  if (value === 0) return 'off'
  for (const unit of units[kind]) {
    if (value % unit.factor === 0) return `${value / unit.factor}${unit.names[0]}`
  }
  return String(value)
}
