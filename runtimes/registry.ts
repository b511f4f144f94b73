/**
 * The runtimes that there are, one row each. A runtime is loaded for itself alone; the imports are
 * literal, so that a bundler finds them.
 */
import type { Runtime } from '../src/runtime.ts'
import { here, type RuntimeName } from './here.ts'

interface Row {
  load(): Promise<Runtime>
  /** What stands between the runtime's program and a script that may do all. */
  readonly before: readonly string[]
  /** Every version of it that is supported calls the C library, which `hangup rescue` needs. */
  readonly hasFfi: boolean
}

export const runtimes: Readonly<Record<RuntimeName, Row>> = {
  node: { load: async () => (await import('./node/runtime.ts')).node, before: [], hasFfi: false },
  bun: { load: async () => (await import('./bun/runtime.ts')).bun, before: ['run'], hasFfi: true },
  deno: { load: async () => (await import('./deno/runtime.ts')).deno, before: ['run', '-A'], hasFfi: true },
}

/** The one that runs this program. */
export const loadRuntime = (): Promise<Runtime> => runtimes[here].load()
