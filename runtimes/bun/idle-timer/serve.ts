/**
 * `serve()` over `Bun.serve` where there is no kernel ledger: Bun's own clock, in steps of 4 s, and what can be held from
 * within a request.
 */

import { Drain } from '../../../src/lifecycle/drain.ts'
import { type ReasonName, reasons } from '../../../src/lifecycle/reasons.ts'
import { answerStream } from '../../../src/native/answer-stream.ts'
import { announcedBytes, type BodyReason } from '../../../src/native/request-body.ts'
import { enforcementOf } from '../../../src/policy/enforcement.ts'
import { applicationOf } from '../../../src/serve/application.ts'
import type { Running } from '../../../src/serve/contract.ts'
import { errorLine } from '../../../src/serve/error-line.ts'
import { letGo } from '../../../src/serve/handler-timeout.ts'
import { listenError, prepare } from '../../../src/serve/prepare.ts'
import { lengthIn, plainResponse, withBody, withHeader } from '../../../src/serve/responses.ts'
import { runningUnseen } from '../../../src/serve/running.ts'
import type { NativeServer, Start } from '../../../src/serve/runtime.ts'
import { deviations } from '../deviations.ts'
import type { BunServeOptions } from '../options.ts'
import { forHead, isLarge, isSound, lastPlain, noteBodies, streamOf } from '../response.ts'
import { type BunServer, isUpgraded, listen, noteUpgrades } from '../server.ts'
import { StreamedAnswer } from './answer.ts'
import { TimedBody } from './body.ts'
import { clockSeconds } from './clock.ts'
import { Peers } from './peers.ts'
import { Sweep, sweepMs, type Watched } from './sweep.ts'

/**
 * Bun's clock runs against a handler too. To stop it costs a request 1 µs, so only those pay that take longer than this;
 * the clock is never set to less than two steps, and so has at least 3 s left by then.
 */
const stopClockAfterMs = 1_000

/** A body that nobody has read and that is not longer than this has come with its head, more or less. */
const withHeadBytes = 64 * 1024

/** A handler that has returned a promise. */
class Pending implements Watched {
  clockStopped = false
  /** The client has been answered in its place. */
  replaced = false
  readonly #request: Request
  readonly #server: BunServer
  readonly #sweep: Sweep
  #sweeps = 0

  constructor(request: Request, server: BunServer, sweep: Sweep) {
    this.#request = request
    this.#server = server
    this.#sweep = sweep
    sweep.add(this)
  }

  look(): void {
    this.#sweeps += 1
    if (this.#sweeps * sweepMs >= stopClockAfterMs) this.stopClock()
  }

  stopClock(): void {
    this.#sweep.remove(this)
    this.clockStopped = true
    this.#server.timeout(this.#request, 0)
  }
}

const enforcement = enforcementOf('bunIdleTimer')

export const bunWithIdleTimer: NativeServer<BunServeOptions> = {
  name: 'Bun.serve',
  enforcement,
  deviations,
  serve: serveWithIdleTimer,
}

async function serveWithIdleTimer(start: Start<BunServeOptions>): Promise<Running> {
  const { app, options } = start
  noteBodies()
  const { policy, log } = prepare(start, enforcement)
  const idleSeconds = clockSeconds(policy.idleTimeoutMs)
  const { idleTimeoutMs, writeTimeoutMs } = policy
  const noLimit = idleTimeoutMs === 0 || writeTimeoutMs === 0
  const largeSeconds = clockSeconds(noLimit ? 0 : Math.max(idleTimeoutMs, writeTimeoutMs))
  const sweep = new Sweep()
  const counted = policy.maxRequestsPerConnection !== 0 || policy.maxConnectionAgeMs !== 0
  // With the idle clock off a connection may wait for ever; a day is long enough to remember it.
  const peers = counted ? new Peers(policy, (idleSeconds || 86_400) * 1000) : null
  const hungUp: Record<string, number> = {}
  const hintSeconds = Math.floor(policy.keepAliveHintMs / 1000)
  const keepAlive = hintSeconds > 0 ? `timeout=${hintSeconds}` : null
  let requests = 0
  let announced = false
  /** Streams being written whose head did not say that their connection will close. */
  let unmarkedStreams = 0
  /** When the last answer of such a connection was made: the idle ones have waited at least since then. */
  let unmarkedAt = Number.POSITIVE_INFINITY
  let stopped = false
  let gone = false

  const application = applicationOf(app, {
    policy,
    onError: options.onError,
    log,
    onTimeout: () => count('handler'),
    isSound,
  })

  function count(reason: ReasonName): void {
    const { option } = reasons[reason]
    hungUp[option] = (hungUp[option] ?? 0) + 1
    log.note(reason)
  }

  const { access } = start.observer
  const served =
    access === null
      ? onRequest
      : access.ofHandler(onRequest, (request, on) => {
          const client = on.requestIP(request)
          return client && { host: client.address, port: client.port }
        })

  function onRequest(request: Request, server: BunServer): Response | Promise<Response> {
    requests += 1
    const { method } = request
    let body: TimedBody | null = null
    let refuse: (reason: BodyReason) => void = () => {}
    // Bun gives no body to a GET or HEAD.
    if (method !== 'GET' && method !== 'HEAD') {
      const bytes = announcedBytes(request)
      if (policy.maxBodyBytes !== 0 && bytes !== null && bytes > policy.maxBodyBytes) {
        count('bodyTooLarge')
        return finish(request, server, refusal('bodyTooLarge'), true, null)
      }
      if (bytes !== 0) {
        body = new TimedBody(request, bytes, policy, sweep, (reason) => {
          count(reason)
          refuse(reason)
        })
      }
    }
    let returned: unknown
    try {
      returned = application.ask(request, server)
    } catch (error) {
      returned = application.responseToError(error, request)
    }
    if (!(returned instanceof Promise)) return settle(request, server, returned, body, null)
    const pending = new Pending(request, server, sweep)
    const settled = (value: unknown): Response => settle(request, server, value, body, pending)
    const failed = (error: unknown): Response => settled(application.responseToError(error, request))
    if (body === null) return returned.then(settled, failed)
    return new Promise((resolve) => {
      refuse = (reason) => {
        if (pending.replaced) return
        pending.replaced = true
        resolve(finish(request, server, refusal(reason), true, pending))
      }
      // Whatever it says of a body that was refused, the client has been answered.
      ;(returned as Promise<unknown>).then(
        (value) => {
          if (pending.replaced) letGo(value)
          else resolve(settled(value))
        },
        (error) => {
          if (!pending.replaced) resolve(failed(error))
        },
      )
    })
  }

  /** What the application returned, whatever it is. */
  function settle(
    request: Request,
    server: BunServer,
    returned: unknown,
    body: TimedBody | null,
    pending: Pending | null,
  ): Response {
    if (isUpgraded(request)) {
      if (pending !== null) sweep.remove(pending)
      return undefined as unknown as Response
    }
    return finish(request, server, application.responseNotSwitching(returned, request), unread(body), pending)
  }

  /** `bodyLeft`: more of the request may be coming. */
  function finish(
    request: Request,
    server: BunServer,
    response: Response,
    bodyLeft: boolean,
    pending: Pending | null,
  ): Response {
    if (pending !== null) sweep.remove(pending)
    // Bun ends the connection right after such an answer, and under a body that is still coming that is a reset: the
    // client would not see the answer (10 of 10 saw nothing). Without it Bun reads the rest away.
    const last = !bodyLeft && (announced || (peers !== null && isLast(peers, request, server)))
    if (announced && !last) unmarkedAt = performance.now()
    let answer = response
    if (last) answer = withHeader(response, 'connection', 'close')
    else if (keepAlive !== null && !response.headers.has('connection')) {
      answer = withHeader(response, 'keep-alive', keepAlive)
    }

    const isHead = request.method === 'HEAD'
    if (isHead) answer = forHead(answer)
    const plain = answer === lastPlain && (pending === null || !pending.clockStopped)
    if (plain) return answer
    const stream = streamOf(answer)
    if (stream === null || isHead) {
      // It stays so until the next request: Bun does not say when an answer is out.
      if (isLarge(answer)) server.timeout(request, largeSeconds)
      else if (pending?.clockStopped) server.timeout(request, idleSeconds)
      return answer
    }
    server.timeout(request, 0)
    if (!last) unmarkedStreams += 1
    const length = lengthIn(answer.headers.get('content-length'))
    const source = answerStream(stream, { length, report: (error) => application.report(error, request) })
    const streamed = new StreamedAnswer(source, policy, sweep, {
      ended: () => {
        server.timeout(request, idleSeconds)
        if (last) return
        unmarkedStreams -= 1
        if (announced) unmarkedAt = performance.now()
      },
      stalled: () => {
        count('write')
        // The shortest there is: the clock's next step.
        server.timeout(request, 1)
      },
      silent: () => count('streamIdle'),
    })
    return withBody(answer, streamed.stream)
  }

  function isLast(known: Peers, request: Request, server: BunServer): boolean {
    const peer = server.requestIP(request)
    return peer !== null && known.answered(`${peer.address}|${peer.port}`, performance.now())
  }

  /** What Bun found fault with by itself. */
  function failedUnseen(error: unknown): Response {
    log.error({ level: 'error', code: 'APPLICATION_ERROR', message: errorLine(error) })
    return plainResponse(500)
  }

  let server: BunServer
  try {
    server = listen(options, policy, { idleTimeout: idleSeconds, fetch: served, error: failedUnseen })
  } catch (error) {
    throw typeof (error as NodeJS.ErrnoException).code === 'string' ? listenError(error, options) : error
  }

  noteUpgrades(server)

  const inRequest = (): number => server.pendingRequests + server.pendingWebSockets
  /** Since when the stopped server has had no request. */
  let quietSince = 0

  const drain = new Drain(policy, {
    announce: () => {
      announced = true
      unmarkedAt = performance.now()
    },
    // Bun shuts its listener and its idle connections in one act, and from then on closes each connection with its
    // answer. So it waits for the streams that promised to keep theirs, but half of the time has to be left for others.
    stopAccepting: () => {},
    closeIdle: (closingForMs, atOnce) => {
      const now = performance.now()
      if (stopped) {
        if (inRequest() > 0) quietSince = now
        // What is left then are unfinished heads, and TLS clients that do not answer the end of theirs.
        else if (atOnce || now - quietSince >= policy.minIdleMs) {
          gone = true
          server.stop(true)
        }
        return
      }
      const halfTime = closingForMs >= policy.drainTimeoutMs / 2
      if (now - unmarkedAt < policy.minIdleMs && !halfTime) return
      if (unmarkedStreams > 0 && !halfTime) {
        server.closeIdleConnections()
        return
      }
      stopped = true
      quietSince = now
      server.stop().then(() => {
        gone = true
      })
    },
    left: () => (gone ? 0 : 1),
    cut: () => {
      const cut = inRequest()
      server.stop(true)
      return cut
    },
  })

  return runningUnseen(
    {
      engine: bunWithIdleTimer.name,
      start,
      at: { host: server.address.address, port: server.port },
      enforcement,
      log,
      drain,
    },
    () => ({
      busy: server.pendingRequests,
      requests,
      hungUp,
    }),
  )
}

const unread = (body: TimedBody | null): boolean => body?.mayBeLeft(withHeadBytes) ?? false

function refusal(reason: BodyReason): Response {
  const status = reasons[reason].status as number
  return plainResponse(status, status === 408 ? { connection: 'close' } : {})
}
