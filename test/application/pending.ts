/** What fails today and is being mended, by engine. An entry that no longer fails anywhere turns red: it must go. */
import type { EngineName } from './columns.ts'

export const pending: Readonly<Record<EngineName, readonly string[]>> = {
  node: [],
  'node-hangup': [],
  bun: [],
  'bun-hangup': [],
  deno: [],
  'deno-hangup': [],
}
