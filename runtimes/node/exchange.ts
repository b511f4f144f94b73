/**
 * One request with the application: from its Request to the answer, whatever the application makes
 * of it.
 */

import { BodyRefusedError } from '../../src/http1/body-refused.ts'
import { beginLending, endLending } from '../../src/http1/web/payload.ts'
import type { Connection } from '../../src/lifecycle/connection.ts'
import type { Limits } from '../../src/lifecycle/limits.ts'
import type { LongLived } from '../../src/lifecycle/long-lived.ts'
import { changedBy } from '../../src/lifecycle/request-limits.ts'
import type { RequestChanges } from '../../src/policy/request-limits.ts'
import { type Application, UnusableResponseError } from '../../src/serve/application.ts'
import { letGo } from '../../src/serve/handler-timeout.ts'
import { plainResponse } from '../../src/serve/responses.ts'
import type { LimitedRequests } from '../../src/serve/route-limits.ts'
import {
  isGone,
  isHttp2,
  isWhole,
  mayWriteNow,
  type Outgoing,
  refuseLast,
  type StreamFaults,
  saysSentAlready,
  writeAnswer,
} from './answer.ts'
import type { Body, Incoming } from './body.ts'
import { Asker, abort, gone } from './request.ts'

/** The connection, or the stream of one, that an answer goes out on. */
export interface AnswerWay {
  /** The application has this of the request that has just begun. */
  asked(request: Request): void
  /** Ends it so that the answer does not look whole. */
  cutAnswer(outgoing: Outgoing): void
  /** The answer is whole, and nothing may follow it. */
  endAfter(outgoing: Outgoing): void
  readonly connection: Connection
  /** A route has changed the limits of its request. Returns whether it is still owed. */
  limit(outgoing: Outgoing, limits: Limits): boolean
}

/** What the requests of one server have in common. */
export interface ExchangeParts {
  readonly application: Application
  readonly longLived: LongLived
}

export class Exchange extends Asker implements StreamFaults, LimitedRequests {
  protected readonly outgoing: Outgoing
  readonly longLived: LongLived
  readonly #application: Application
  readonly #incoming: Incoming
  readonly #body: Body | null
  readonly #way: AnswerWay
  #request!: Request
  #heard = false

  constructor(
    { application, longLived }: ExchangeParts,
    incoming: Incoming,
    outgoing: Outgoing,
    body: Body | null,
    way: AnswerWay,
  ) {
    super()
    this.longLived = longLived
    this.#application = application
    this.#incoming = incoming
    this.outgoing = outgoing
    this.#body = body
    this.#way = way
  }

  /** The application may have put anything in the place of its Request's. */
  get #method(): string {
    return this.#incoming.method ?? 'GET'
  }

  /** What Hono's own adapter gives as `c.env`. */
  protected get env(): object {
    return { incoming: this.#incoming, outgoing: this.outgoing }
  }

  override asked(request: Request): void {
    this.#request = request
    this.#way.asked(request)
    let returned: unknown
    if (mayWriteNow(this.outgoing)) beginLending()
    try {
      returned = this.#application.ask(request, this.env, this)
    } catch (error) {
      endLending()
      this.#failed(error)
      return
    }
    if (!(returned instanceof Promise)) {
      try {
        this.#returned(returned)
      } finally {
        endLending()
      }
      return
    }
    endLending()
    this.#hearClient()
    returned.then(
      (late) => this.#returned(late),
      (error) => this.#failed(error),
    )
  }

  limit(_: Request, changes: RequestChanges, before: Limits | null): Limits {
    const limits = changedBy(before ?? this.#way.connection.ownLimits, changes)
    if (!this.#way.limit(this.outgoing, limits)) return limits
    this.#body?.limitTo(limits.policy.maxBodyBytes)
    if (this.#body?.refused) throw new BodyRefusedError('bodyTooLarge', { closes: !isHttp2(this.outgoing) })
    return limits
  }

  override refused(status: number): void {
    refuseLast(this.outgoing, status)
  }

  /** What the application answers goes out, but where it has put something else in its place. */
  protected answer(response: Response): void {
    this.write(response)
  }

  protected write(response: Response): void {
    try {
      if (writeAnswer(response, this.outgoing, this.#method, this)) this.#hearClient()
    } catch (error) {
      // A field that can't be sent, and would have split the answer in two.
      letGo(response)
      this.report(error)
      this.instead()
    }
  }

  report(error: unknown): void {
    if (!this.#isClients(error)) this.#application.report(error, this.#request)
  }

  instead(): void {
    try {
      writeAnswer(this.#body?.refusal ?? plainResponse(500), this.outgoing, this.#method, this)
    } catch {
      // Fields that the application has put on `c.env.outgoing` itself.
      this.cut()
    }
  }

  cut(): void {
    this.#way.cutAnswer(this.outgoing)
  }

  last(): void {
    this.#way.endAfter(this.outgoing)
  }

  #returned(returned: unknown): void {
    this.#body?.decideSize()
    if (this.#body?.refused) {
      letGo(returned)
      this.#refuse(this.#body)
      return
    }
    if (this.#hasBegun && !saysSentAlready(returned)) {
      letGo(returned)
      this.#application.report(
        new UnusableResponseError('the handler wrote to c.env.outgoing, and did not return that it has answered'),
        this.#request,
      )
      this.#giveUp()
      return
    }
    this.answer(this.#application.responseOf(returned, this.#request))
  }

  #failed(error: unknown): void {
    this.#body?.decideSize()
    if (this.#body?.refused) this.#refuse(this.#body)
    else if (this.#hasBegun) {
      this.#application.report(error, this.#request)
      this.#giveUp()
    } else if (!(this.#isClients(error) && isGone(this.outgoing))) {
      this.answer(this.#application.responseToError(error, this.#request))
    }
  }

  /** Whether the application has begun to answer by itself, on `c.env.outgoing`. */
  get #hasBegun(): boolean {
    return this.outgoing.headersSent && !isGone(this.outgoing)
  }

  /** Of an answer that the application began by itself, and that nobody will end. */
  #giveUp(): void {
    if (!this.outgoing.writableEnded) this.cut()
  }

  /**
   * Whether the client broke off, or its body was refused, and that is all the application fails
   * with.
   */
  #isClients(error: unknown): boolean {
    if (this.#body?.refused) return true
    if (!isGone(this.outgoing)) return false
    try {
      const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
      return name === 'AbortError' || code === 'ECONNRESET'
    } catch {
      // What can't be looked at is none of ours.
      return false
    }
  }

  /** What is wrong with the body has been decided, whatever the application says to it. */
  #refuse({ refusal }: Body): void {
    if (refusal !== null) this.write(refusal)
  }

  #hearClient(): void {
    if (this.#heard) return
    this.#heard = true
    const { outgoing } = this
    outgoing.once('close', () => {
      if (!isWhole(outgoing)) abort(this.#request, gone())
    })
  }
}
