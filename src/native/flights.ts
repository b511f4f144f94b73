/**
 * The requests that are with the application, or whose answers are not out: which of them the
 * ledger knows of, and by when it will know of all. A handler that answers at once is none of them.
 */
import { peerName } from '../kernel/layout.ts'
import type { Ledger } from '../kernel/ledger.ts'
import type { Peer } from '../kernel/peers.ts'
import type { Limits } from '../lifecycle/limits.ts'
import type { LedgerServer } from './ledger-server.ts'
import { InLine, Line } from './line.ts'
import type { RequestBody } from './request-body.ts'

/**
 * Between two ticks: after a block a timer makes up for it, and what was read meanwhile is handed
 * over later than that.
 */
const leastTurnMs = 25

export class Flight<Call> extends InLine<Flight<Call>> {
  readonly request: Request
  readonly call: Call
  peer: Peer | null = null
  body: RequestBody | null = null
  /** Of the scan's tick that saw it first; 0: none has. */
  seenAt = 0
  /** It came no sooner than this. */
  notBefore = 0
  /** Gives the runtime its answer; null: it needs none from here. */
  answer: ((response: Response) => void) | null = null
  /** Its body was refused: it has been answered in the application's place. */
  isRefused = false
  /** Its client is the one to move: see `Following.held`. */
  held = false
  over = false

  constructor(request: Request, call: Call) {
    super()
    this.request = request
    this.call = call
  }
}

export interface FlightsOptions<Call> {
  readonly ledger: () => Ledger
  readonly peerOf: LedgerServer<Call>['peerOf']
  readonly now: () => number
}

export class Flights<Call> {
  readonly #options: FlightsOptions<Call>
  /** Not noted yet. */
  readonly #young = new Line<Flight<Call>>()
  /** Noted, and taking a while: one of them may become another protocol's. */
  readonly #noted = new Line<Flight<Call>>()
  /** Whose body is watched. */
  readonly #withBody = new Map<Peer, Flight<Call>>()
  /** By the request whose connection the application is taking over at this moment. */
  readonly #taking = new Map<Request, Flight<Call>>()
  /** The latest request that was handed to the application. */
  #currentRequest: Request | null = null
  #currentCall: Call | null = null
  #currentFlight: Flight<Call> | null = null
  /**
   * Of the scan. What the runtime had read when a tick ended a long block was handed over after it.
   */
  #lastTick: number
  #tickBefore: number

  constructor(options: FlightsOptions<Call>) {
    this.#options = options
    this.#lastTick = options.now()
    this.#tickBefore = this.#lastTick
  }

  get #ledger(): Ledger {
    return this.#options.ledger()
  }

  /** The application is asked next; `flight` null: nobody else knows of the request. */
  asks(request: Request, call: Call, flight: Flight<Call> | null): void {
    this.#currentRequest = request
    this.#currentCall = call
    this.#currentFlight = flight
  }

  /** The ledger is told of it later, if it lasts. */
  awaitNote(flight: Flight<Call>): void {
    this.#young.add(flight)
  }

  /** One of those that take a while. */
  lasts(flight: Flight<Call>): void {
    this.#noted.add(flight)
  }

  note(flight: Flight<Call>, name: string, startedAt: number): void {
    const { body } = flight
    const peer = this.#ledger.started(name, body, startedAt)
    flight.peer = peer
    if (body !== null) this.#withBody.set(peer, flight)
  }

  /** One that was not noted when it began. */
  noteLate(flight: Flight<Call>, startedAt: number): void {
    this.#young.delete(flight)
    const address = this.#options.peerOf(flight.request, flight.call)
    if (address === null) return
    this.note(flight, peerName(address.host, address.port), startedAt)
    this.#noted.add(flight)
  }

  /** Those that a tick has seen so long ago. */
  noteYoung(at: number, afterMs: number): void {
    for (const flight of this.#young) {
      if (flight.seenAt === 0) {
        flight.seenAt = at
        flight.notBefore = this.#tickBefore
      }
      // The clocks of a body do not wait.
      if (flight.body === null && at - flight.seenAt < afterMs) continue
      this.noteLate(flight, flight.seenAt)
    }
  }

  ticked(at: number): void {
    if (at - this.#lastTick < leastTurnMs) return
    this.#tickBefore = this.#lastTick
    this.#lastTick = at
  }

  /**
   * Every request before this time has been noted. A young one that no tick has seen came after the
   * last but one.
   */
  get notedUntil(): number {
    let until = this.#tickBefore
    for (const { seenAt, notBefore } of this.#young) if (seenAt !== 0) until = Math.min(until, notBefore)
    return until
  }

  /** The flight of this peer whose body is watched. */
  bodiedOf(peer: Peer): Flight<Call> | undefined {
    return this.#withBody.get(peer)
  }

  /** A route has changed the limits of its request: the ledger knows of it at once. */
  limit(flight: Flight<Call>, limits: Limits): void {
    if (flight.over) return
    if (flight.peer === null) this.noteLate(flight, this.#options.now())
    const { peer } = flight
    if (peer !== null) this.#ledger.limit(peer, flight, limits)
  }

  ended(flight: Flight<Call>): void {
    if (flight.over) return
    flight.over = true
    flight.line?.delete(flight)
    const { peer } = flight
    if (peer !== null && peer.owed > 1) peer.changed?.delete(flight)
    // Over HTTP/2 nobody is held up, and to let go is a reset, of which a session bears only some.
    if (peer?.http2 !== true) flight.body?.letGoLater()
    if (peer === null) return
    if (this.#withBody.get(peer) === flight) this.#withBody.delete(peer)
    if (flight.held) peer.held -= 1
    this.#ledger.finished(peer)
  }

  /** The application has taken its connection over. */
  upgraded(flight: Flight<Call>): void {
    if (flight.peer === null) this.noteLate(flight, this.#options.now())
    if (flight.peer === null) return
    this.#ledger.upgraded(flight.peer)
    this.ended(flight)
  }

  /** A connection may be about to be taken over: see `takenOver`. */
  get mayBeTaken(): boolean {
    return this.#taking.size > 0
  }

  /** The flight of a request whose connection was taken over while nobody else knew of it. */
  takenOver(request: Request): Flight<Call> | undefined {
    if (this.#taking.size === 0) return undefined
    const taken = this.#taking.get(request)
    this.#taking.delete(request)
    return taken
  }

  /** See `ListenKit.beforeUpgrade`. */
  beforeUpgrade(request: Request): boolean {
    const isCurrent = this.#currentRequest === request
    const isIts = (flight: Flight<Call>): boolean => flight.request === request
    let flight = (isCurrent ? this.#currentFlight : null) ?? [...this.#young, ...this.#noted].find(isIts) ?? null
    if (flight === null) {
      // Of another server in this process.
      if (!isCurrent) return true
      flight = new Flight(request, this.#currentCall as Call)
      this.#taking.set(request, flight)
    }
    if (flight.peer === null) this.noteLate(flight, this.#options.now())
    return flight.peer === null || !this.#ledger.isGone(flight.peer)
  }
}
