/**
 * Each request of a runtime's own server, from the runtime to the application and back. On the way
 * of a handler that answers at once is nothing but the answer's `Keep-Alive`.
 */

import { peerName } from '../kernel/layout.ts'
import type { Ledger } from '../kernel/ledger.ts'
import type { Peer } from '../kernel/peers.ts'
import { type Clock, passed } from '../lifecycle/clock.ts'
import { isLast } from '../lifecycle/last-answer.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import { changedBy } from '../lifecycle/request-limits.ts'
import type { Policy } from '../policy/policy.ts'
import { isSet, type Resolved } from '../policy/resolve.ts'
import type { Application } from '../serve/application.ts'
import { letGo } from '../serve/handler-timeout.ts'
import { plainResponse } from '../serve/responses.ts'
import { areUsed, type LimitedRequests, mayTake } from '../serve/route-limits.ts'
import { FlightBody, type FlightBodyContext } from './flight-body.ts'
import { Flight, type Flights } from './flights.ts'
import { framed } from './framed.ts'
import { ClientGoneError, type Following, type LedgerServer } from './ledger-server.ts'
import { announcedIn2, busy, fieldsIn, headBytesOf, never, refusal } from './refusals.ts'
import { announcedBytes, type BodyReason, type FieldOf, fieldInHeaders, type RequestBody } from './request-body.ts'

/** A request waits so long while the last descriptors are being used. */
const brimMs = 10
/**
 * A body that nobody has read and that is not longer has come with its head: a client's first ten
 * segments (RFC 6928).
 */
const withHeadBytes = 14_600
/** Walks may take a tenth of the time, and one a millisecond or two. */
const walkSoonMs = 5

const closing = /(^|,)\s*close\s*(,|$)/i

/**
 * Whether the policy counts what happens on a connection, so that each request has to be noted as
 * it comes.
 */
export const isCounted = ({ maxRequestsPerConnection, maxConnectionAgeMs, maxConnections }: Policy): boolean =>
  maxRequestsPerConnection !== 0 || maxConnectionAgeMs !== 0 || maxConnections !== 0

export interface ExchangesOptions<Call> {
  readonly server: LedgerServer<Call>
  readonly resolved: Pick<Resolved, 'policy' | 'origins'>
  readonly secure: boolean
  /** Every request is noted as it comes. */
  readonly notesAll: boolean
  readonly ledger: Ledger
  readonly flights: Flights<Call>
  readonly application: Application
  readonly longLived: LongLived
  readonly clock: Clock
}

export class Exchanges<Call> {
  /** Handed to the application, or refused in its place, since the start. */
  count = 0
  /** A client has spoken HTTP/2. */
  spokeHttp2 = false
  /** What is answered from now on is its connection's last. */
  draining = false
  readonly #server: LedgerServer<Call>
  readonly #policy: Policy
  readonly #secure: boolean
  readonly #notesAll: boolean
  readonly #ledger: Ledger
  readonly #flights: Flights<Call>
  readonly #application: Application
  readonly #longLived: LongLived
  readonly #clock: Clock
  readonly #fieldOf: FieldOf
  readonly #bodies: FlightBodyContext<Call>
  readonly #keepAlive: string | null
  readonly #counted: boolean
  readonly #checksHead: boolean
  readonly #countsFields: boolean
  /**
   * The request at which descriptors are counted again: each may have come on a connection of its
   * own.
   */
  #countAt = 0

  constructor(options: ExchangesOptions<Call>) {
    const { server, resolved, secure, notesAll, ledger, flights, application, longLived, clock } = options
    const { policy, origins } = resolved
    this.#server = server
    this.#fieldOf = server.fieldOf ?? fieldInHeaders
    this.#policy = policy
    this.#secure = secure
    this.#notesAll = notesAll
    this.#ledger = ledger
    this.#flights = flights
    this.#application = application
    this.#longLived = longLived
    this.#clock = clock
    this.#bodies = { clock, maxBytes: policy.maxBodyBytes, onTooLarge: (flight) => this.#onTooLarge(flight) }
    const hintSeconds = Math.floor(policy.keepAliveHintMs / 1000)
    this.#keepAlive = hintSeconds > 0 ? `timeout=${hintSeconds}` : null
    this.#counted = isCounted(policy)
    this.#checksHead = server.looksAtHeads === true && isSet(origins.maxHeadBytes)
    // Both runtimes have a limit of their own, and to count costs more than it is worth where nobody asked for it.
    this.#countsFields = isSet(origins.maxHeadFields)
  }

  onRequest(request: Request, call: Call): Response | Promise<Response> {
    this.count += 1
    const { connections } = this.#ledger
    if (this.count >= this.#countAt) this.#countAt = this.count + connections.keepWithinBudget(this.#clock.now())
    const { method } = request
    const bodied = method !== 'GET' && method !== 'HEAD'
    if (connections.brimful && this.#server.failsAtLimit === true) return this.#onBrim(request, call, bodied)
    const atOnce = this.#notesAll || this.#checksHead || this.#countsFields || this.#lastAnswers
    if (atOnce || bodied) return this.#onWatched(request, call, bodied, atOnce)
    // A route may change its limits, so it is known who it is.
    const known = areUsed() ? new Flight(request, call) : null
    const returned = this.#ask(request, call, known)
    if (known !== null) return this.#settledKnown(returned, known)
    if (!(returned instanceof Promise)) {
      // One that has taken its connection over must be answered as such, whatever it returned.
      const isPlain = !this.#flights.mayBeTaken && this.#server.isPlain?.(returned) === true
      return isPlain ? this.#hinted(returned as Response) : this.#settled(returned, request, call, null)
    }
    const flight = new Flight(request, call)
    this.#flights.awaitNote(flight)
    return this.#settledLater(returned, flight)
  }

  #settledKnown(returned: unknown, flight: Flight<Call>): Response | Promise<Response> {
    const { request, call, peer } = flight
    if (!(returned instanceof Promise)) return this.#settled(returned, request, call, flight)
    if (peer === null) this.#flights.awaitNote(flight)
    return this.#settledLater(returned, flight)
  }

  /** What is answered now is its connection's last. */
  get #lastAnswers(): boolean {
    return this.draining || this.#ledger.connections.full
  }

  #ask(request: Request, call: Call, flight: Flight<Call> | null): unknown {
    this.#flights.asks(request, call, flight)
    try {
      return this.#application.ask(request, call, flight && areUsed() ? this.#limitedOf(flight) : null)
    } catch (error) {
      return this.#errorResponse(error, request)
    }
  }

  #limitedOf(flight: Flight<Call>): LimitedRequests {
    return {
      limit: (_, changes, before) => {
        const limits = changedBy(before ?? this.#ledger.connections.limits, changes)
        if (flight.over) return limits
        this.#flights.limit(flight, limits)
        flight.body?.limitTo(limits.policy.maxBodyBytes)
        return limits
      },
    }
  }

  #errorResponse(error: unknown, request: Request): Response {
    return isClientGone(error) ? plainResponse(500) : this.#application.responseToError(error, request)
  }

  /** Whoever asks one after the other comes no faster than those before go. */
  async #onBrim(request: Request, call: Call, bodied: boolean): Promise<Response> {
    await passed(this.#clock, brimMs)
    return this.#onWatched(request, call, bodied, true)
  }

  #hinted(answer: Response): Response {
    return this.#keepAlive === null ? answer : this.#server.withHeader(answer, 'keep-alive', this.#keepAlive)
  }

  /** A request with a body, or one that is noted at once because its connection is counted. */
  #onWatched(request: Request, call: Call, bodied: boolean, atOnce: boolean): Response | Promise<Response> {
    const address = atOnce ? this.#server.peerOf(request, call) : null
    const name = address && peerName(address.host, address.port)
    // What comes after the last answer is never answered, so it must not run.
    const wasLast = name !== null && !this.#isHttp2(request) && this.#ledger.wasLast(name)
    if (wasLast !== false) return wasLast === null ? this.#onWatchedLater(request, call, bodied) : never(this.#clock)
    const flight = new Flight(request, call)
    const refusedForSize = this.#refusedForSize(flight, bodied)
    if (name !== null) this.#flights.note(flight, name, this.#clock.now())
    else if (!atOnce) this.#flights.awaitNote(flight)
    const { peer } = flight
    if (this.#secure && peer?.requests === 1 && this.#isHttp2(request)) {
      this.spokeHttp2 = true
      peer.http2 = true
    }
    if (peer?.surplus) this.#ledger.connections.count('full')
    const refused = refusedForSize ?? (peer?.surplus ? busy() : null)
    if (refused !== null) return this.#answered(refused, request, call, flight)
    const returned = this.#ask(request, call, flight)
    if (!(returned instanceof Promise)) return this.#settled(returned, request, call, flight)
    if (flight.body !== null) return this.#settledOrRefused(returned, flight)
    if (peer !== null) this.#flights.lasts(flight)
    return this.#settledLater(returned, flight)
  }

  /** Whose connection it came on the next walk tells, which is not due yet. */
  async #onWatchedLater(request: Request, call: Call, bodied: boolean): Promise<Response> {
    await passed(this.#clock, walkSoonMs)
    return this.#onWatched(request, call, bodied, true)
  }

  /**
   * Each limit of size that the request breaks is counted, the first is answered; null: it breaks
   * none.
   */
  #refusedForSize(flight: Flight<Call>, bodied: boolean): Response | null {
    const { request } = flight
    const { maxHeadBytes, maxHeadFields, maxBodyBytes } = this.#policy
    const { connections } = this.#ledger
    let refused: Response | null = null
    if (this.#checksHead && headBytesOf(request) > maxHeadBytes) {
      connections.count('headTooLarge')
      refused = refusal('headTooLarge')
    }
    if (this.#countsFields && fieldsIn(request) > maxHeadFields) {
      connections.count('headFields')
      refused ??= refusal('headFields')
    }
    if (!bodied) return refused
    const announced = this.#isHttp2(request) ? announcedIn2(request) : announcedBytes(request, this.#fieldOf)
    if (announced !== 0) flight.body = new FlightBody(flight, announced, this.#bodies)
    if (maxBodyBytes !== 0 && announced !== null && announced > maxBodyBytes && !mayTake(announced)) {
      connections.count('bodyTooLarge')
      refused ??= refusal('bodyTooLarge')
    }
    return refused
  }

  #onTooLarge(flight: Flight<Call>): void {
    this.#ledger.connections.count('bodyTooLarge')
    this.#refuse(flight, 'bodyTooLarge')
  }

  /** Answers the request of this peer whose body is watched in the application's place. */
  refuse(peer: Peer, reason: BodyReason): void {
    const flight = this.#flights.bodiedOf(peer)
    if (flight !== undefined) this.#refuse(flight, reason)
  }

  #refuse(flight: Flight<Call>, reason: BodyReason): void {
    const { answer, request, call } = flight
    if (answer === null || flight.isRefused) return
    flight.isRefused = true
    flight.body?.refuse(reason)
    answer(this.#answered(refusal(reason), request, call, flight))
  }

  #settledLater(returned: Promise<unknown>, flight: Flight<Call>): Promise<Response> {
    const { request, call } = flight
    return returned.then(
      (value) => this.#settled(value, request, call, flight),
      (error) => this.#settled(this.#errorResponse(error, request), request, call, flight),
    )
  }

  /** Whatever the application says of a body that was refused, the client has been answered. */
  #settledOrRefused(returned: Promise<unknown>, flight: Flight<Call>): Promise<Response> {
    const { request, call } = flight
    return new Promise((resolve) => {
      flight.answer = resolve
      returned.then(
        (value: unknown) => {
          if (flight.isRefused) letGo(value)
          else resolve(this.#settled(value, request, call, flight))
        },
        (error: unknown) => {
          if (!flight.isRefused) resolve(this.#settled(this.#errorResponse(error, request), request, call, flight))
        },
      )
    })
  }

  /**
   * What the application returned, whatever it is. `known` null: nobody else knows of the request.
   * Never throws.
   */
  #settled(returned: unknown, request: Request, call: Call, known: Flight<Call> | null): Response {
    let flight = known
    const taken = this.#flights.takenOver(request)
    if (taken !== undefined) {
      if (known !== null) this.#flights.ended(known)
      flight = taken
    }
    if (flight?.body?.isTooLarge) {
      // No route has allowed it.
      flight.body.refuseTooLarge()
      letGo(returned)
      return this.#answered(refusal('bodyTooLarge'), request, call, flight)
    }
    try {
      const report = (error: unknown): void => this.#application.report(error, request)
      const upgrade = this.#server.upgradeOf(returned, request, { report, longLived: this.#longLived })
      if (upgrade !== null) {
        this.#flights.upgraded(flight ?? new Flight(request, call))
        return upgrade.answer as Response
      }
      return this.#answered(this.#application.responseNotSwitching(returned, request), request, call, flight)
    } catch (error) {
      this.#application.report(error, request)
      if (flight !== null) this.#flights.ended(flight)
      return plainResponse(500)
    }
  }

  #answered(answer: Response, request: Request, call: Call, known: Flight<Call> | null): Response {
    const server = this.#server
    const isHead = request.method === 'HEAD'
    if (known !== null && !isLeft(known.body) && !isHead && this.#mayGoPlain && server.isPlain?.(answer)) {
      const isShort = !known.peer?.http2 || !server.isLong(answer, true)
      if (isShort) {
        this.#flights.ended(known)
        return this.#hinted(answer)
      }
    }
    let flight = known
    if (flight !== null && flight.peer === null && isLeft(flight.body))
      this.#flights.noteLate(flight, this.#clock.now())
    const http2 = flight?.peer ? flight.peer.http2 : this.#isHttp2(request)
    const said = server.connectionOf(answer)
    let given = server.toSend?.(answer, http2) ?? answer
    const last = this.#lastAnswers || (!http2 && this.#leavesBody(flight))
    if (last || said !== null || (this.#counted && this.#isLastOf(flight?.peer))) {
      // In HTTP/2 the field says nothing (RFC 9113 8.2.2), and the session may have other streams.
      const closes = said === null ? !(last && http2) : !http2 && closing.test(said)
      // Whoever gets 408 has fallen silent.
      const keeps = server.closesUnderBody !== true || (isLeft(flight?.body) && answer.status !== 408)
      if (closes && keeps && server.closesUnderBody === true) {
        if (said !== null) given = server.withHeader(given, 'connection', 'keep-alive')
      } else if (said === null && closes) given = server.withHeader(given, 'connection', 'close')
      if (closes) {
        flight ??= new Flight(request, call)
        if (flight.peer === null) this.#flights.noteLate(flight, this.#clock.now())
        if (flight.peer !== null) this.#ledger.lastAnswer(flight.peer, !keeps)
      }
    } else given = this.#hinted(given)
    if (isHead) given = server.forHead(given, http2)
    if (isHead || !server.isLong(given, http2)) {
      if (flight !== null) this.#endsAtOnce(flight)
      return given
    }
    // At once: its clock of quiet time begins with it.
    flight ??= new Flight(request, call)
    if (flight.peer === null) this.#flights.noteLate(flight, this.#clock.now())
    if (flight.peer !== null) this.#ledger.began(flight.peer)
    return server.follow(framed(given, request, this.#longLived), call, this.#followingOf(flight, http2))
  }

  /** Nothing has to be said of the connection. */
  get #mayGoPlain(): boolean {
    return !this.#counted && !this.#lastAnswers
  }

  /** All of its answer is with the runtime. */
  #endsAtOnce(flight: Flight<Call>): void {
    this.#flights.ended(flight)
    const keeps = this.#server.closesUnderBody !== true && !this.#secure
    if (this.#ledger.connections.full && keeps && flight.peer?.last && !isLeft(flight.body)) {
      this.#ledger.finishSoon(flight.peer)
    }
  }

  #followingOf(flight: Flight<Call>, http2: boolean): Following {
    return {
      http2,
      report: (error) => this.#application.report(error, flight.request),
      done: () => this.#flights.ended(flight),
      last: () => {
        if (flight.peer === null || http2) return
        this.#ledger.lastAnswer(flight.peer)
        if (flight.over) this.#ledger.finishSoon(flight.peer)
      },
      cut: async () => {
        if (flight.peer !== null && !http2) await this.#ledger.resetSoon(flight.peer)
      },
      held(byClient) {
        const { peer, held, over } = flight
        if (over || held === byClient) return
        flight.held = byClient
        if (peer !== null) peer.held += byClient ? 1 : -1
      },
    }
  }

  /**
   * The runtime waits for the end of a body that the application has begun, or a copy of its
   * request has, and not for its client. Whether one without a length has come to its end nobody
   * can say.
   */
  #leavesBody(flight: Flight<Call> | null): boolean {
    if (this.#server.closesUnderBody === true || !flight?.body) return false
    const { body } = flight
    return isLeft(body) && (body.isBegun || body.announced === null)
  }

  #isLastOf(peer: Peer | null | undefined): boolean {
    if (!peer) return false
    const { surplus, requests, socket } = peer
    const agesAt = socket?.connection.agesAt ?? Number.POSITIVE_INFINITY
    const circumstances = { surplus, draining: this.draining, full: this.#ledger.connections.full }
    return isLast({ requests, agesAt }, this.#policy, this.#clock.now(), circumstances)
  }

  /**
   * Deno and Bun give a request of HTTP/2 no Host, and HTTP/1.1 must have one. Only under TLS is
   * the request asked: to make its `headers` is dear.
   */
  #isHttp2(request: Request): boolean {
    return this.#secure && this.#fieldOf(request, 'host') === null
  }
}

const isLeft = (body: RequestBody | null | undefined): boolean => body?.mayBeLeft(withHeadBytes) ?? false

/** What was thrown may be a Proxy that can't be looked at. */
function isClientGone(error: unknown): boolean {
  try {
    return error instanceof ClientGoneError
  } catch {
    return false
  }
}
