/**
 * The gateway on Cloudflare Workers, without sockets: the same app, groups and exchanges, with the
 * platform's `fetch` for upstreams. Health, budgets and rates are those of one isolate.
 */

import type { BodySource } from '../../http1/web/payload.ts'
import { isStreamed } from '../../http1/web/response.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import type { Fetch } from '../../serve/contract.ts'
import { type LogLine, ThrottledLog } from '../../serve/log.ts'
import { askForLimits, compile, gatewayApp, loopLine } from '../app.ts'
import type { GatewayConfig } from '../config/config.ts'
import { ClientLimiter } from '../downstream/client-limits.ts'
import { contentOf, type DownstreamResponse, headersOf, NativeDownstream } from '../downstream/downstream.ts'
import type { ExchangeContext } from '../exchange.ts'
import { authorityOf } from '../upstream/authority.ts'
import { Group } from '../upstream/group.ts'
import { minRetriesPerSec, RetryBudget } from '../upstream/retry-budget.ts'
import { type FetchDeps, FetchUpstream } from './fetch-upstream.ts'

export interface WorkersDeps extends FetchDeps {
  /** [0, 1) */
  random(): number
  log(line: LogLine): void
}

/**
 * Answers requests as long as the isolate lives. Starts no timer: on Workers none outlives the
 * request that starts it.
 */
export function createWorkersGateway(config: GatewayConfig, deps: WorkersDeps): Fetch {
  const { now } = deps.clock
  const clock = new RequestClock(now)
  const contexts = new Map<string, ExchangeContext>()
  for (const [name, groupConfig] of Object.entries(config.groups)) {
    const group = new Group<FetchUpstream>(groupConfig, {
      clock,
      random: deps.random,
      makePool: (upstream) =>
        new FetchUpstream(`${upstream.tls === null ? 'http' : 'https'}://${authorityOf(upstream)}`, deps),
      changePool() {},
      closePool() {},
      resolve: null,
      check: () => Promise.reject(new Error('nothing runs between requests here')),
      log: deps.log,
    })
    const budget = new RetryBudget(groupConfig.options.upstreamRetryBudgetPercent, minRetriesPerSec, now)
    contexts.set(name, {
      config,
      group,
      budget,
      spool: null,
      meters: { heldBytes: 0, areRead: false },
      tracing: null,
      now,
      tunnels: new Set(),
      ended: new Map(),
    })
  }
  askForLimits(config)
  const compiled = compile(config, contexts)
  const loops = new ThrottledLog(deps.log, now)
  const { app } = gatewayApp(
    () => compiled,
    new ClientLimiter(config.clients, now),
    () => loops.write(loopLine),
  )
  return (request) => {
    clock.look()
    return app.fetch(request, new WorkersDownstream(request, deps))
  }
}

/** Calls back at the first request after the time has come. */
class RequestClock implements Clock {
  readonly now: () => number
  readonly #due = new Map<() => void, number>()

  constructor(now: () => number) {
    this.now = now
  }

  after(ms: number, callback: () => void): () => void {
    this.#due.set(callback, this.now() + ms)
    return () => void this.#due.delete(callback)
  }

  look(): void {
    if (this.#due.size === 0) return
    const now = this.now()
    for (const [callback, at] of this.#due) {
      if (at > now) continue
      this.#due.delete(callback)
      callback()
    }
  }
}

/** Fields of a handshake, which the platform writes on each side itself (RFC 6455 4.2.2, 9.1). */
const ofHandshake = ['sec-websocket-accept', 'sec-websocket-extensions', 'upgrade']

/** The client's side as a Worker sees it. */
class WorkersDownstream extends NativeDownstream {
  override readonly upgrade: string | null
  readonly #fixedLength: FetchDeps['fixedLength']

  /**
   * The peer is who `CF-Connecting-IP` says: the edge puts it in the place of whatever a client
   * sent (developers.cloudflare.com/fundamentals/reference/http-headers), and nobody but the edge
   * calls a Worker.
   */
  constructor(request: Request & { readonly cf?: { readonly httpProtocol?: string } }, { fixedLength }: FetchDeps) {
    const address = request.headers.get('cf-connecting-ip') ?? ''
    super(request, { address, port: 0 }, request.cf?.httpProtocol?.replace(/^HTTP\//, '') ?? '1.1')
    this.upgrade = request.headers.get('upgrade')
    this.#fixedLength = fixedLength
  }

  override respond(answer: DownstreamResponse): Response {
    const { status, statusText, fields, body, left, webSocket } = answer
    left?.drop()
    const headers = headersOf(fields)
    if (webSocket !== undefined) {
      for (const name of ofHandshake) headers.delete(name)
      return new Response(null, { status, headers, webSocket } as ResponseInit)
    }
    const length = headers.get('content-length')
    const made = contentOf(answer)
    const content = made !== null && isStreamed(body) && length !== null ? this.#ofLength(Number(length), body) : made
    // The content coding of the upstream stays.
    return new Response(content, { status, statusText, headers, encodeBody: 'manual' } as ResponseInit)
  }

  /** A plain stream would go out in chunks. */
  #ofLength(bytes: number, source: BodySource): ReadableStream<Uint8Array> {
    const { readable, writable } = this.#fixedLength(bytes)
    void pipe(source, writable.getWriter())
    return readable
  }
}

async function pipe(source: BodySource, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  writer.closed.catch((reason) => source.cancel(reason))
  try {
    for (let piece = await source.read(); piece !== null; piece = await source.read()) await writer.write(piece)
    await writer.close()
  } catch (error) {
    // Nothing follows, so the client never takes it for the whole body.
    await writer.abort(error).catch(() => {})
  }
}
