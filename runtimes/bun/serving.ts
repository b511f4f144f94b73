/** Bun, as `serve()` sees it: an engine is loaded when it is started. */
import process from 'node:process'
import type { Libc } from '../../src/kernel/libc.ts'
import { enforcementOf } from '../../src/policy/enforcement.ts'
import type { NativeEngine, NativeServer, ServeRuntime } from '../../src/serve/runtime.ts'
import { filesOf, procDescriptors } from '../descriptors.ts'
import { deviations } from './deviations.ts'
import { files } from './files.ts'
import { loadLibc } from './libc.ts'
import type { BunServeOptions } from './options.ts'

const underLedger: NativeEngine = { name: 'Bun.serve', enforcement: enforcementOf('bunServe'), deviations }

export const bunUnderLedger = (libc: Libc): NativeServer<BunServeOptions> => ({
  ...underLedger,
  serve: async (start) => (await import('./serve.ts')).serveBun(start, underLedger, libc),
  inheritingProblem: async () => (await import('./serve.ts')).bunInheritingProblem(libc),
})

const withIdleTimer: NativeEngine = { name: 'Bun.serve', enforcement: enforcementOf('bunIdleTimer'), deviations }

export const bunWithIdleTimer: NativeServer<BunServeOptions> = {
  ...withIdleTimer,
  serve: async (start) => (await import('./idle-timer/serve.ts')).serveWithIdleTimer(start, withIdleTimer),
}

export const serving = {
  name: 'bun',
  ownOptions: ['websocket'] satisfies (keyof BunServeOptions)[],
  sockets: {
    listen: async (at, accept) => (await import('./transport.ts')).listen(at, accept),
    descriptors: () => procDescriptors(filesOf(process.getBuiltinModule('node:fs'))),
    enforcement: () => enforcementOf('socketEngine'),
  },
  async bindings({ websocket, globals }: BunServeOptions) {
    if (globals !== 'replace') (await import('./response.ts')).nameTexts()
    const { ServerLike, upgradeOffers } = await import('./upgrade.ts')
    return { env: (connection) => new ServerLike(connection), offerUpgrade: upgradeOffers(websocket), files }
  },
  async native() {
    const { libc } = await loadLibc()
    return libc === null ? bunWithIdleTimer : bunUnderLedger(libc)
  },
  loadLibc,
  openListener: async (...at) => (await import('../libc-listener.ts')).libcListener(loadLibc)(...at),
} satisfies ServeRuntime
