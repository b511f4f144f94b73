/** `serve()` on Bun, as a library: nothing starts until it is called. */

import './only-on-bun.ts'

import { resolveOptions } from '../../src/policy/resolve.ts'
import { chooseEngine, type NativeEngine } from '../../src/serve/choose-engine.ts'
import type { App, Running } from '../../src/serve/contract.ts'
import { serveOnEngine } from '../../src/serve/socket-engine.ts'
import { procDescriptors } from '../descriptors.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { files } from './files.ts'
import { enforcement } from './idle-timer/enforcement.ts'
import { serveWithIdleTimer } from './idle-timer/serve.ts'
import { loadLibc } from './libc.ts'
import { native, serveBun } from './serve.ts'
import type { BunServeOptions } from './server.ts'
import { listen } from './transport.ts'
import { ServerLike, webSocketBindings } from './upgrade.ts'

const runtime = 'bun'
const clocked: NativeEngine = { ...native, enforcement }
const also = ['websocket']

async function choose(options: BunServeOptions) {
  const { libc } = await loadLibc()
  return { libc, ...chooseEngine(options, resolveOptions(options, also), libc === null ? clocked : native) }
}

export const engineOf = async (options: BunServeOptions) => (await choose(options)).engine

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `ConfigError` if the
 * policy or the engine is not possible, and with the cause named if the address is not available. With
 * `tls` it speaks HTTP/1.1.
 */
export async function serve(app: App, options: BunServeOptions = {}): Promise<Running> {
  const { libc, engine, why } = await choose(options)
  if (engine === 'native')
    return libc === null ? serveWithIdleTimer(app, options, why) : serveBun(app, options, libc, why)
  return serveOnEngine(app, options, {
    runtime,
    enforcement: engineEnforcement,
    descriptors: procDescriptors,
    why,
    listen,
    also,
    env: (connection) => new ServerLike(connection),
    webSocketBindings: webSocketBindings(options.websocket),
    files,
  })
}
