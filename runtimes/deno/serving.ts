/** Deno, as `serve()` sees it: what only the hangup engine needs is loaded with it. */
import { certificatesOf } from '../../src/serve/prepare.ts'
import type { ServeRuntime } from '../../src/serve/runtime.ts'
import { descriptors } from './descriptors.ts'
import { forget, inheritable } from './inheritable.ts'
import { loadLibc } from './libc.ts'
import { denoUnderLedger } from './serve.ts'
import { enforcement } from './socket-enforcement.ts'

export const serving = {
  name: 'deno',
  ownOptions: [],
  sockets: {
    listen: async (at, accept) => (await import('./transport.ts')).listen(at, accept),
    descriptors,
    enforcement,
  },
  async bindings() {
    const { envOf, offerUpgrade } = await import('./upgrade.ts')
    return { env: envOf, offerUpgrade }
  },
  native({ tls }) {
    const loaded = loadLibc()
    // `Deno.serve` alone closes nothing.
    if (loaded.libc === null) return loaded
    const several = tls !== undefined && certificatesOf(tls).length > 1
    return several ? { why: 'Deno.serve has one certificate' } : denoUnderLedger(loaded.libc)
  },
  loadLibc,
  openListener: async (...at) => (await import('../libc-listener.ts')).libcListener(loadLibc)(...at),
  inheritable,
  forget,
} satisfies ServeRuntime
