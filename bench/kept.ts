/**
 * What was measured last, as data in `docs/bench/`: `scripts/docs.ts` makes tables and plots of it.
 * A run of a part of a bench replaces that part.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const pathOf = (name: string): URL => new URL(`../docs/bench/${name}.json`, import.meta.url)

export function keptOf<Data extends object>(name: string): Partial<Data> {
  try {
    return JSON.parse(readFileSync(pathOf(name), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

export function keep<Data extends object>(name: string, part: Partial<Data>): void {
  const whole = { ...keptOf<Data>(name), ...part }
  mkdirSync(new URL('.', pathOf(name)), { recursive: true })
  writeFileSync(pathOf(name), `${JSON.stringify(whole, rounded, 2)}\n`)
}

/** More digits than anyone can measure would only make the difference between two runs longer. */
const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(5)) : value

/**
 * The same entries, in the order of these names: a part that was measured again stays in its place.
 */
export function inOrder<Value>(
  entries: Readonly<Record<string, Value>>,
  names: readonly string[],
): Record<string, Value> {
  const known = names.filter((name) => name in entries)
  return Object.fromEntries(known.map((name) => [name, entries[name]!]))
}
