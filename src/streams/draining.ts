/**
 * `draining(c)`: how an application hears of the drain of the server that asked it. Kept by the
 * global object, because the command and the application may each have their own copy of the
 * package.
 */

/** A server's signal, which fires when its drain begins. */
type Signal = AbortSignal

interface Servers {
  /** Those that serve. */
  readonly signals: Set<Signal>
  /** Whose request it is: noted while more than one serves, and once a request has asked. */
  readonly of: WeakMap<object, Signal>
}

const key = Symbol.for('hangup.draining')

const shared = globalThis as { [key]?: Servers }
shared[key] ??= { signals: new Set(), of: new WeakMap() }
const servers = shared[key]

/** From now on `draining()` knows this server. Returns what is to be called once it is closed. */
export function servesUntil(signal: Signal): () => void {
  servers.signals.add(signal)
  return () => void servers.signals.delete(signal)
}

/** For each request of a server. */
export function noteServer(request: Request, signal: Signal): void {
  // The only one needs no note.
  if (servers.signals.size > 1) servers.of.set(request, signal)
}

/** A Hono context, as far as it is looked at. */
interface Context {
  readonly req: { readonly raw: Request }
}

/**
 * A signal that fires when the server that asked for this response begins its drain, with
 * `drainDelayMs`, `drainSpreadMs` and at most `drainTimeoutMs` to come. It takes a Hono context or
 * the `Request` itself, while the request is being answered. One signal serves all requests of a
 * server: take listeners away when the response is over. On Workers, and without a server, it never
 * fires. Where several servers of a process could have asked, as of a copy of their request, the
 * first to drain counts.
 */
export function draining(of: Context | Request): AbortSignal {
  const request = of instanceof Request || !('req' in of) ? of : of.req.raw
  const known = servers.of.get(request)
  if (known !== undefined) return known
  // Made anew: on Workers nothing is shared by two requests.
  const [only = new AbortController().signal, ...others] = servers.signals
  const signal = others.length === 0 ? only : AbortSignal.any([only, ...others])
  // A loop that asks again after its server's end is to hear of it all the same.
  if (servers.signals.size > 0) servers.of.set(request, signal)
  return signal
}
