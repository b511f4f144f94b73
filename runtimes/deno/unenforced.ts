/**
 * `deno serve` where the kernel can't be asked: `Deno.serve` as it is, which closes no connection.
 * Only its end is ours.
 */

import { toNative } from '../../src/http1/web/ours.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { Drain } from '../../src/lifecycle/drain.ts'
import { framed } from '../../src/native/framed.ts'
import type { Enforcement } from '../../src/policy/enforcement.ts'
import { type Enforced, nobody, perRequest, us } from '../../src/policy/held-by.ts'
import { type OptionName, optionNames } from '../../src/policy/policy.ts'
import { applicationOf } from '../../src/serve/application.ts'
import type { Running } from '../../src/serve/contract.ts'
import { prepare } from '../../src/serve/prepare.ts'
import { ReasonCounts } from '../../src/serve/reason-counts.ts'
import { runningUnseen } from '../../src/serve/running.ts'
import type { Start } from '../../src/serve/runtime.ts'
import { forHead, isSound, withHeader } from './response.ts'
import { addressOf, type DenoServer, follow, type Handler, noteUpgrades, upgradeOf } from './serve.ts'
import type { ServeInfo } from './serve-info.ts'

const held: Partial<Record<OptionName, string>> = {
  handlerTimeoutMs: 'a timer round the handler',
  maxUpgraded: 'when a request asks for one',
  drainDelayMs: 'drain',
  streams: 'drain, in steps of 25 ms; an event stream between two events, not if it is compressed',
  drainTimeoutMs: 'drain; Deno ends idle connections together with the listener',
}

/** Nothing can be done to a connection. */
const unseen = { http2: false, held() {}, last() {}, cut: async () => {} }

/** `why` nobody can: what is missing. */
export function unenforced(why: string): Enforcement {
  const unheld = nobody(`Deno.serve closes no connection by itself, and ${why}`)
  return Object.fromEntries(
    optionNames.map((option) => {
      const how = held[option]
      if (how === undefined) return [option, unheld]
      return [option, us(how, option === 'handlerTimeoutMs' ? { byRoute: perRequest.denoServe } : {})]
    }),
  ) as Record<OptionName, Enforced>
}

/** `listen` takes the handler at once, and resolves when the command has started the server. */
export async function serveUnenforced(
  start: Start,
  listen: (handler: Handler) => Promise<DenoServer>,
): Promise<Running> {
  const { app, options, longLived } = start
  const enforcement = unenforced(start.why)
  const { policy, log } = prepare(start, enforcement)
  const counts = new ReasonCounts(log)
  const application = applicationOf(app, {
    policy,
    clock: backgroundClock,
    onError: options.onError,
    log,
    onRefused: (reason) => counts.count(reason),
    isSound,
    ownOf: toNative,
    draining: longLived.draining,
    webSockets: () => longLived.webSockets,
  })
  let busy = 0
  let requests = 0

  noteUpgrades()
  const { access } = start.observer
  const server = await listen(access === null ? onRequest : access.ofHandler(onRequest, (_, info) => addressOf(info)))
  server.finished.catch((error) => {
    if (drain.phase === 'serving')
      log.write({ level: 'error', code: 'ACCEPT_FAILED', message: `accepting failed: ${error}` })
  })

  const drain = new Drain(policy, {
    announce() {},
    stopAccepting: () => {
      server.shutdown().catch(() => {})
    },
    closeIdle() {},
    left: () => busy + longLived.webSockets,
    cut: () => busy,
    longLived,
  })
  const { hostname: host, port } = server.addr
  const parts = { engine: 'Deno.serve', start, at: { host, port }, enforcement, log, drain }
  return runningUnseen(parts, () => ({ busy, requests, hungUp: counts.hungUp }))

  async function onRequest(request: Request, info: ServeInfo): Promise<Response> {
    requests += 1
    busy += 1
    const report = (error: unknown): void => application.report(error, request)
    const done = (): void => {
      busy -= 1
    }
    const returned = await resultOf(request, info)
    const upgrade = upgradeOf(returned, request, { report, longLived })
    if (upgrade !== null) {
      done()
      return upgrade.answer as Response
    }
    const answer = application.responseNotSwitching(returned, request)
    const given = drain.draining ? withHeader(answer, 'connection', 'close') : answer
    if (request.method !== 'HEAD') return follow(framed(given, request, longLived), info, { ...unseen, report, done })
    done()
    return forHead(given, false)
  }

  async function resultOf(request: Request, info: ServeInfo): Promise<unknown> {
    try {
      return await application.ask(request, info)
    } catch (error) {
      return application.responseToError(error, request)
    }
  }
}
