/**
 * Keeps V8's young generation from growing in a process that is a gateway; on Deno V8 takes no flag
 * for that once it runs. V8 doubles it, up to 100 MB, when enough objects have outlived a
 * collection, which the connections of new clients do sooner or later. A request leaves nothing
 * behind, so a larger one saves no CPU time that could be measured.
 */
import process from 'node:process'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import type { Clock } from '../../src/lifecycle/clock.ts'

/** Of both halves and what is reserved for their growth, as V8 counts it: 1 MB at the start. */
const enoughBytes = 8 * 2 ** 20
const everyMs = 100

/** Whoever started the process has said how large it is to be. */
function isChosen(): boolean {
  const { NODE_OPTIONS = '' } = process.env
  return [...process.execArgv, NODE_OPTIONS].some((text) => /semi[-_]space/.test(text))
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}

export function holdYoungGeneration(clock: Clock): void {
  if (isChosen()) return
  const look = () => {
    // V8 reads this one whenever it would let the young generation grow.
    if (youngBytes() >= enoughBytes) setFlagsFromString('--semi-space-growth-factor=1')
    else clock.after(everyMs, look)
  }
  look()
}
