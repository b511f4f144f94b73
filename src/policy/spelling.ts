/**
 * How an option is spelled where people write it, all from its one name: `idleTimeoutMs`,
 * `--idle-timeout`, `HANGUP_IDLE_TIMEOUT`.
 */

/** Flags and variables carry the unit in the value (`5s`), so their names don't. */
function words(name: string): string {
  return name
    .replace(/BytesPerSec$/, 'Rate')
    .replace(/(Bytes|Ms|Percent)$/, '')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

export const flagOf = (name: string): string => `--${words(name)}`

export const variablePrefix = 'HANGUP_'
/**
 * `prefix`: a command whose names would be taken for another's has its own, `HANGUP_PROBE_LIMIT`.
 */
export const variableOf = (name: string, prefix = variablePrefix): string =>
  prefix + words(name).replaceAll('-', '_').toUpperCase()

/**
 * The name that was probably meant: at most a third of it mistyped, not counting what all of its
 * kind begin with.
 */
export function nearest(given: string, names: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.floor(given.replace(/^(--|HANGUP_)/, '').length / 3) + 1
  for (const name of names) {
    const typos = distance(given.toLowerCase(), name.toLowerCase())
    if (typos < least) {
      least = typos
      best = name
    }
  }
  return best
}

export function didYouMean(given: string, names: readonly string[]): string {
  const name = nearest(given, names)
  return name === null ? '' : `; did you mean ${name}?`
}

/**
 * Edits from one to the other: a letter more, less, other, or two swapped (optimal string
 * alignment).
 */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(
        Math.min(
          row[j - 1]! + (same ? 0 : 1),
          row[j]! + 1,
          next[j - 1]! + 1,
          swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = row
    row = next
  }
  return row[b.length]!
}
