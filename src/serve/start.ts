/**
 * `serve()` on any runtime: the options are resolved, the engine is chosen, and that engine is
 * started. What only one engine or option needs is loaded with it: a start is soon over.
 */
import { adminPlan } from '../admin/options.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { LongLived } from '../lifecycle/long-lived.ts'
import { Observer } from '../observe/observer.ts'
import { openTelemetry, shelter } from '../observe/open-telemetry.ts'
import { type Resolved, resolveOptions } from '../policy/resolve.ts'
import { accessFeedOf } from './access-feed.ts'
import { type Chosen, chooseEngine, isNative } from './choose-engine.ts'
import type { App, Running, ServeOptions } from './contract.ts'
import { withHealthPath } from './health-path.ts'
import type { NativeServer, NoNative, ServeRuntime, Start } from './runtime.ts'

/** A start that nothing stands in the way of, as far as the options say. Nothing listens yet. */
export interface Planned extends Chosen {
  /** See `Start`. */
  readonly longLived: LongLived
  /** `more`: what the application brought with it, once it was loaded. */
  serve(app: App, more?: ServeOptions): Promise<Running>
}

/** What a server is of something larger. */
export interface PartOf {
  /** Of a server that has more than this listener, or more than this process. */
  readonly observer?: Observer
  /** Another process has the admin listener. */
  readonly isWatched?: boolean
  /** False: the whole is not ready. Default: it is as ready as this part. */
  isReady?(): boolean
}

/**
 * Throws a `ConfigError` for what can't be. `resolved`: the same options, where whoever read flags
 * and variables has resolved them already.
 */
export async function planStart(
  runtime: ServeRuntime,
  given: ServeOptions,
  resolved: Resolved = resolveOptions(given, runtime.ownOptions),
  { observer = new Observer(backgroundClock, runtime.sockets.descriptors), isWatched = false, isReady }: PartOf = {},
): Promise<Planned> {
  const options = given.fd === undefined ? given : (await import('./inherited.ts')).withInherited(given)
  const { admin, healthPath } = options
  const plan = admin === undefined || admin === false ? null : adminPlan(admin)
  const isAdministered = plan !== null || isWatched
  const native = await runtime.native(options)
  const longLived = new LongLived(resolved.policy, Math.random)
  const { engine, why } = chooseEngine(options, resolved, native, await inheritingProblem(options, native))
  return {
    engine,
    why,
    longLived,
    async serve(app, more) {
      let running: Running | null = null
      observer.access = accessFeedOf(options)
      const ready = isReady ?? (() => running === null || running.phase === 'serving')
      // It keeps a descriptor for a second, which somebody has to have asked for.
      if (isAdministered) await (await import('./watch-lost.ts')).watchLost(observer, runtime)
      const start: Start = {
        app: healthPath === undefined ? app : withHealthPath(app, healthPath, ready),
        options: { ...options, ...more },
        resolved,
        runtime: runtime.name,
        why,
        observer,
        companions: { admin: null },
        longLived,
        keepsReserve: isAdministered,
      }
      const server = await (engine === 'native' && isNative(native) ? native.serve(start) : onSockets(start, runtime))
      running = server
      try {
        if (plan !== null) {
          const { listenForAdmin } = await import('../admin/listener.ts')
          start.companions.admin = await listenForAdmin(server, plan, runtime, options.log)
        }
        if (!observer.isOfListener) start.companions.stopExport = await exported(server, options)
        await options.onListen?.(server)
      } catch (error) {
        await server.kill()
        throw error
      }
      return server
    },
  }
}

async function onSockets(start: Start, { sockets, bindings }: ServeRuntime): Promise<Running> {
  const { serveOnSockets } = await import('./socket-engine.ts')
  return serveOnSockets(start, sockets, await bindings(start.options))
}

async function inheritingProblem(
  { fd, engine, unix }: ServeOptions,
  native: NativeServer | NoNative,
): Promise<string | null> {
  if (fd === undefined || unix !== undefined || engine === 'hangup' || !isNative(native)) return null
  return (await native.inheritingProblem?.()) ?? null
}

/** Its metrics go where the program's OpenTelemetry SDK sends them; undefined: it has none. */
async function exported(server: Running, { log }: ServeOptions): Promise<(() => void) | undefined> {
  const telemetry = await openTelemetry(log)
  if (telemetry === null) return undefined
  const [{ exportMetrics }, { readServers }] = await Promise.all([
    import('../observe/export-metrics.ts'),
    import('../observe/server-metrics.ts'),
  ])
  return exportMetrics(telemetry, shelter(log), () => readServers([{ server }]), [{ server }])
}

export async function serveOn(runtime: ServeRuntime, app: App, options: ServeOptions = {}): Promise<Running> {
  return (await planStart(runtime, options)).serve(app)
}
