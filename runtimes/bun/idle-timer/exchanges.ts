/**
 * Requests and their responses under Bun's own clock: what of the policy can be held from within a
 * request.
 */
import { bindLimits, type Limits } from '../../../src/lifecycle/limits.ts'
import type { LongLived } from '../../../src/lifecycle/long-lived.ts'
import { reasons } from '../../../src/lifecycle/reasons.ts'
import { changedBy } from '../../../src/lifecycle/request-limits.ts'
import { answerStream } from '../../../src/native/answer-stream.ts'
import { framed } from '../../../src/native/framed.ts'
import { announcedBytes, type BodyReason } from '../../../src/native/request-body.ts'
import type { Policy } from '../../../src/policy/policy.ts'
import type { Application } from '../../../src/serve/application.ts'
import { letGo } from '../../../src/serve/handler-timeout.ts'
import type { ReasonCounts } from '../../../src/serve/reason-counts.ts'
import { lengthIn, plainResponse, withBody, withHeader } from '../../../src/serve/responses.ts'
import { areUsed, type LimitedRequests, mayTake } from '../../../src/serve/route-limits.ts'
import { forHead, isLarge, lastPlain, streamOf } from '../response.ts'
import { type BunServer, isUpgraded } from '../server.ts'
import { StreamedAnswer } from './answer.ts'
import { TimedBody } from './body.ts'
import { clockSeconds } from './clock.ts'
import { Peers } from './peers.ts'
import { Pending } from './pending.ts'
import { Sweep } from './sweep.ts'

/**
 * A body that nobody has read and that is not longer than this has come with its head, more or
 * less.
 */
const withHeadBytes = 64 * 1024

export class Exchanges {
  requests = 0
  /** Streams being written whose head did not say that their connection will close. */
  unmarkedStreams = 0
  /**
   * When the last response of such a connection was made: the idle ones have waited at least since
   * then.
   */
  unmarkedAt = Number.POSITIVE_INFINITY
  /** Bun's clock of an idle connection. */
  readonly idleSeconds: number
  readonly #policy: Policy
  /** The same as a route changes them. */
  readonly #limits: Limits
  readonly #application: Application
  readonly #longLived: LongLived
  readonly #counts: ReasonCounts
  /** Bun's clock of a large response; it runs on until the next request. */
  readonly #largeSeconds: number
  readonly #keepAlive: string | null
  readonly #peers: Peers | null
  readonly #sweep = new Sweep()
  #announced = false

  constructor(policy: Policy, application: Application, counts: ReasonCounts, longLived: LongLived) {
    this.#longLived = longLived
    this.#policy = policy
    this.#limits = bindLimits(policy)
    this.#application = application
    this.#counts = counts
    const { idleTimeoutMs, keepAliveHintMs, maxRequestsPerConnection, maxConnectionAgeMs } = policy
    this.idleSeconds = clockSeconds(idleTimeoutMs)
    this.#largeSeconds = largeSecondsOf(policy)
    const counted = maxRequestsPerConnection !== 0 || maxConnectionAgeMs !== 0
    // With the idle clock off a connection may wait for ever; a day is long enough to remember it.
    this.#peers = counted ? new Peers(policy, (this.idleSeconds || 86_400) * 1000) : null
    const hintSeconds = Math.floor(keepAliveHintMs / 1000)
    this.#keepAlive = hintSeconds > 0 ? `timeout=${hintSeconds}` : null
  }

  /** Each response from now on is its connection's last, where Bun can say so. */
  announce(): void {
    this.#announced = true
    this.unmarkedAt = performance.now()
  }

  take(request: Request, server: BunServer): Response | Promise<Response> {
    this.requests += 1
    const { method } = request
    let body: TimedBody | null = null
    let refuse: (reason: BodyReason) => void = () => {}
    const held: Held = { policy: this.#policy }
    const limited: LimitedRequests | null = areUsed()
      ? {
          limit: (_, changes, before) => {
            const limits = changedBy(before ?? this.#limits, changes)
            held.policy = limits.policy
            body?.holdTo(limits.policy)
            return limits
          },
        }
      : null
    // Bun gives no body to a GET or HEAD.
    if (method !== 'GET' && method !== 'HEAD') {
      const { maxBodyBytes } = this.#policy
      const bytes = announcedBytes(request)
      if (maxBodyBytes !== 0 && bytes !== null && bytes > maxBodyBytes && !mayTake(bytes)) {
        this.#counts.count('bodyTooLarge')
        return this.#finish(request, server, refusal('bodyTooLarge'), true, null, held)
      }
      if (bytes !== 0) {
        body = new TimedBody(request, bytes, this.#policy, this.#sweep, (reason) => {
          this.#counts.count(reason)
          refuse(reason)
        })
      }
    }
    let returned: unknown
    try {
      returned = this.#application.ask(request, server, limited)
    } catch (error) {
      returned = this.#application.responseToError(error, request)
    }
    if (!(returned instanceof Promise)) return this.#settle(request, server, returned, body, null, held)
    const pending = new Pending(request, server, this.#sweep)
    const settled = (value: unknown): Response => this.#settle(request, server, value, body, pending, held)
    const failed = (error: unknown): Response => settled(this.#application.responseToError(error, request))
    if (body === null) return returned.then(settled, failed)
    return new Promise((resolve) => {
      refuse = (reason) => {
        if (pending.replaced) return
        pending.replaced = true
        resolve(this.#finish(request, server, refusal(reason), true, pending, held))
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
  #settle(
    request: Request,
    server: BunServer,
    returned: unknown,
    body: TimedBody | null,
    pending: Pending | null,
    held: Held,
  ): Response {
    if (isUpgraded(request)) {
      pending?.done()
      return undefined as unknown as Response
    }
    if (body?.isTooLarge) {
      // No route has allowed it.
      body.refuseTooLarge()
      letGo(returned)
      return this.#finish(request, server, refusal('bodyTooLarge'), true, pending, held)
    }
    const response = this.#application.responseNotSwitching(returned, request)
    return this.#finish(request, server, response, unread(body), pending, held)
  }

  /** `bodyLeft`: more of the request may be coming. */
  #finish(
    request: Request,
    server: BunServer,
    response: Response,
    bodyLeft: boolean,
    pending: Pending | null,
    { policy }: Held,
  ): Response {
    pending?.done()
    const last = this.#isLast(request, server, bodyLeft)
    if (this.#announced && !last) this.unmarkedAt = performance.now()
    let answer = response
    if (last) answer = withHeader(response, 'connection', 'close')
    else if (this.#keepAlive !== null && !response.headers.has('connection')) {
      answer = withHeader(response, 'keep-alive', this.#keepAlive)
    }

    const isHead = request.method === 'HEAD'
    if (isHead) answer = forHead(answer)
    const plain = answer === lastPlain && (pending === null || !pending.clockStopped)
    if (plain) return answer
    const stream = streamOf(answer)
    if (stream !== null && !isHead) {
      const endedInTime = framed(answer, request, this.#longLived)
      return this.#streamed(request, server, endedInTime, streamOf(endedInTime)!, last, policy)
    }
    // It stays so until the next request: Bun does not say when a response is out.
    if (isLarge(answer)) server.timeout(request, this.#largeSecondsOf(policy))
    else if (pending?.clockStopped) server.timeout(request, this.idleSeconds)
    return answer
  }

  #largeSecondsOf(policy: Policy): number {
    return policy === this.#policy ? this.#largeSeconds : largeSecondsOf(policy)
  }

  #streamed(
    request: Request,
    server: BunServer,
    answer: Response,
    stream: ReadableStream,
    last: boolean,
    policy: Policy,
  ): Response {
    server.timeout(request, 0)
    if (!last) this.unmarkedStreams += 1
    const length = lengthIn(answer.headers.get('content-length'))
    const source = answerStream(stream, { length, report: (error) => this.#application.report(error, request) })
    const streamed = new StreamedAnswer(source, policy, this.#sweep, {
      ended: () => {
        server.timeout(request, this.idleSeconds)
        if (last) return
        this.unmarkedStreams -= 1
        if (this.#announced) this.unmarkedAt = performance.now()
      },
      stalled: () => {
        this.#counts.count('write')
        // The shortest there is: the clock's next step.
        server.timeout(request, 1)
      },
      silent: () => this.#counts.count('streamIdle'),
    })
    return withBody(answer, streamed.stream)
  }

  /**
   * Bun ends the connection right after such a response, and under a body that is still coming that
   * is a reset: the client would not see the response (10 of 10 saw nothing). Without it Bun reads
   * the rest away.
   */
  #isLast(request: Request, server: BunServer, bodyLeft: boolean): boolean {
    if (bodyLeft) return false
    if (this.#announced) return true
    const peer = this.#peers && server.requestIP(request)
    return peer !== null && this.#peers!.answered(`${peer.address}|${peer.port}`, performance.now())
  }
}

/** What holds for one request: the server's policy, or what its route made of it. */
interface Held {
  policy: Policy
}

function largeSecondsOf({ idleTimeoutMs, writeTimeoutMs }: Policy): number {
  const noLimit = idleTimeoutMs === 0 || writeTimeoutMs === 0
  return clockSeconds(noLimit ? 0 : Math.max(idleTimeoutMs, writeTimeoutMs))
}

const unread = (body: TimedBody | null): boolean => body?.mayBeLeft(withHeadBytes) ?? false

function refusal(reason: BodyReason): Response {
  const status = reasons[reason].status as number
  return plainResponse(status, status === 408 ? { connection: 'close' } : {})
}
