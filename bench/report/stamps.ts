/** On what the figures of a page were measured, once for all that were measured on the same. */
import { type Stamp, stampLine } from '../machine.ts'

export function stampLines(stamps: readonly Stamp[]): string {
  const merged = new Map<string, Stamp>()
  for (const stamp of stamps) {
    const key = `${stamp.date} ${stamp.machine}`
    const versions = { ...merged.get(key)?.versions, ...stamp.versions }
    merged.set(key, { ...stamp, versions })
  }
  return [...merged.values()].map(stampLine).join('<br>\n')
}
