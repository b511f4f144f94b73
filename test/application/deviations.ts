/** What each engine is known to do otherwise. An entry that no longer holds turns red. */
import type { EngineName } from './columns.ts'
import type { Deviation } from './deviation.ts'

export const deviations: Readonly<Record<EngineName, readonly Deviation[]>> = {
  node: [],
  'node-hangup': [],
  bun: [],
  'bun-hangup': [],
  deno: [],
  'deno-hangup': [],
}
