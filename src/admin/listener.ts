/**
 * The admin listener: a server of its own beside the one that it tells of, so that it answers when
 * that one is full, and goes on answering while it drains.
 */
import { Hono } from 'hono'
import { backgroundClock } from '../lifecycle/clock.ts'
import { LongLived } from '../lifecycle/long-lived.ts'
import { Observer } from '../observe/observer.ts'
import { resolveOptions } from '../policy/resolve.ts'
import type { ServeOptions } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import type { Sockets } from '../serve/runtime.ts'
import { serveOnSockets } from '../serve/socket-engine.ts'
import { guard } from './guard.ts'
import type { AdminListener, AdminPlan } from './options.ts'
import { type Administered, adminRoutes } from './routes.ts'

/**
 * Few clients, of which one may leave a page open and none has much to say. Its descriptors are of
 * those that the policy reserves.
 */
const policy = {
  headTimeoutMs: 2_000,
  bodyTimeoutMs: 2_000,
  discardTimeoutMs: 250,
  maxBodyBytes: 16_384,
  idleTimeoutMs: 60_000,
  maxConnections: 16,
  drainTimeoutMs: 250,
  minIdleMs: 0,
  drainSpreadMs: 0,
}

export async function listenForAdmin(
  server: Administered,
  { at, token, hosts }: AdminPlan,
  runtime: { readonly name: string; readonly sockets: Sockets },
  log: Log | undefined,
): Promise<AdminListener> {
  const app = new Hono().use(guard({ token, hosts })).route('/', adminRoutes(server, { outlivesDrain: true }))
  const options: ServeOptions = { ...at, ...policy, signals: false, ...(log && { log }) }
  const resolved = resolveOptions(options)
  const listening = serveOnSockets(
    {
      app,
      options,
      resolved,
      runtime: runtime.name,
      why: 'the admin listener',
      observer: new Observer(backgroundClock),
      companions: { admin: null },
      longLived: new LongLived(resolved.policy, Math.random),
      isInternal: true,
    },
    { ...runtime.sockets, descriptors: () => null },
    { env: () => undefined },
  )
  const running = await listening.catch((error) => {
    error.message = `the admin listener: ${error.message}`
    throw error
  })
  return {
    address: running.address,
    async close() {
      await running.close()
    },
  }
}
