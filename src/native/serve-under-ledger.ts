/**
 * `serve()` over a runtime's own server that shows no connections, under the kernel ledger: all but what the runtimes
 * differ in. On the request's path of a handler that answers at once is nothing but the answer's `Keep-Alive`.
 */

import { kernelDescriptors, openKernel } from '../kernel/kernel.ts'
import { type Address, isAt, peerName } from '../kernel/layout.ts'
import { Ledger } from '../kernel/ledger.ts'
import type { Libc } from '../kernel/libc.ts'
import type { Peer } from '../kernel/peers.ts'
import { Scan } from '../kernel/scan.ts'
import { noteAfterMs } from '../kernel/schedule.ts'
import type { Threads } from '../kernel/threads.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { Budget } from '../lifecycle/descriptor-budget.ts'
import { Drain } from '../lifecycle/drain.ts'
import { isLast } from '../lifecycle/last-answer.ts'
import { reasons } from '../lifecycle/reasons.ts'
import type { Coded } from '../policy/codes.ts'
import { probes, probingMs } from '../policy/enforcement.ts'
import type { Policy } from '../policy/policy.ts'
import { isSet } from '../policy/resolve.ts'
import { applicationOf } from '../serve/application.ts'
import type { Running } from '../serve/contract.ts'
import { errorLine } from '../serve/error-line.ts'
import { letGo } from '../serve/handler-timeout.ts'
import { listenError, prepare, type ReasonLog, shortageLog } from '../serve/prepare.ts'
import { runningOf } from '../serve/running.ts'
import type { NativeEngine, Start } from '../serve/runtime.ts'
import { plainResponse } from './answers.ts'
import { announcedBytes, type BodyReason, RequestBody } from './request-body.ts'

/** `Call`: what the runtime hands over with a request, and the application gets as `c.env`. */
export interface LedgerServer<Call> {
  readonly engine: NativeEngine
  readonly libc: Libc
  /** Where several threads of this process serve on the same listener. */
  readonly threads?: Threads | undefined
  /** The client's end of the connection that the request came on; null: it is gone. */
  peerOf(request: Request, call: Call): Address | null
  /**
   * What the runtime is to get when the application has taken the connection over for another protocol, whatever it returned;
   * null: it has not.
   */
  upgradeOf(returned: unknown, request: Request, report: (error: unknown) => void): { readonly answer: unknown } | null
  /** Its end is not the handler's: the runtime gets it piece by piece, or its client takes it so. */
  isLong(answer: Response, http2: boolean): boolean
  /** Follows such an answer to its end. Returns what is to be answered instead. */
  follow(answer: Response, call: Call, how: Following): Response
  /** A Response that can be answered with, told at one look; `false` promises nothing. */
  isSound(returned: unknown): boolean
  /** Told at one look: sound, there whole, no upgrade, and without a word of its connection. `false` promises nothing. */
  isPlain?(returned: unknown): boolean
  /** What the runtime may have: where it spoils an answer that the application gives again, another one; where it believes a length, the right one. */
  toSend?(answer: Response, http2: boolean): Response
  /** The answer to HEAD: its head says the length that the answer to GET has, or none, and no byte of a body goes out. */
  forHead(answer: Response, http2: boolean): Response
  /** The answer's own `Connection`. */
  connectionOf(answer: Response): string | null
  withHeader(answer: Response, name: string, value: string): Response
  /**
   * An answer that says `Connection: close` ends its connection at once, and under a body that is still coming that is RST,
   * which the client sees instead of it. So there the answer does not say so, and the ledger ends the connection.
   */
  readonly closesUnderBody?: boolean
  /** Without a free descriptor the runtime does not wait for one: accepting has failed, and whoever waits for it is reset. */
  readonly failsAtLimit?: boolean
  /** Where the runtime's own limit is not that of the policy: `maxHeadBytes` is held by a look at each request, if it was set. */
  readonly looksAtHeads?: boolean
  listen(
    handler: (request: Request, call: Call) => Response | Promise<Response>,
    kit: ListenKit,
  ): Promise<NativeListener>
}

/** What an upgrade fails with whose client has gone meanwhile: nobody's fault, and nobody is left to be answered. */
export class ClientGoneError extends Error implements Coded {
  override readonly name = 'ClientGoneError'
  readonly code = 'CLIENT_GONE'
  constructor() {
    super('the client is gone')
  }
}

export interface Following {
  readonly http2: boolean
  readonly report: (error: unknown) => void
  /** What is out now is its connection's last answer, though its head did not say so. */
  readonly last: () => void
  /** Resets its connection, once the client has what has been sent. Not over HTTP/2, where others share it. */
  readonly cut: () => Promise<void>
  /** All of it is with the runtime, or the client is gone. */
  readonly done: () => void
  /** Whether it is the client that has to move, where the kernel can't tell: HTTP/2 has windows of its own. */
  readonly held: (byClient: boolean) => void
}

/** What a listener may ask of the ledger. */
export interface ListenKit {
  readonly log: ReasonLog
  readonly policy: Policy
  /** What the runtime found fault with by itself, and cannot say of which request. Returns what it is to answer. */
  failed(error: unknown): Response
  /** Ends the listening sockets and nothing else; they stay the runtime's. */
  shutListeners(): void
  /** The same where the runtime's loop would spin on a listener that is shut: all but their numbers is closed. */
  closeListeners(): void
  /**
   * The application is about to take this request's connection over, after which nobody can say whose it was. Returns whether
   * its client is still there, as far as the kernel knows.
   */
  beforeUpgrade(request: Request): boolean
  /**
   * No descriptor is left and the runtime has stopped accepting for it: hangs up on those that have waited longest. Their
   * descriptors are free a little later: see `hasRoom`.
   */
  makeRoom(): void
  hasRoom(): boolean
  /** The same for those that have not said anything yet, however young. */
  turnAway(): void
}

export interface NativeListener {
  /** What it listens on, as the kernel names it. */
  readonly at: Address
  /** Nobody is accepted any more; whoever is there stays, and is still answered. */
  stopAccepting(): void
  /** Those that only the runtime can say goodbye to (HTTP/2: GOAWAY), `minIdleMs` later. */
  sayGoodbye?(): void
  /** The end of all; called when nobody is left, or to cut whoever is. */
  stop(): void
  /** The latter, where the runtime would wait for handlers that never end. Default: `stop`. */
  cut?(): void
}

/** Descriptors for whoever has waited to be accepted meanwhile. */
const roomFor = 16
/** A request waits so long while the last descriptors are being used. */
const brimMs = 10
/** A body that nobody has read and that is not longer than this has come with its head: a client's first ten segments (RFC 6928). */
const withHeadBytes = 14_600
/** Between two ticks: after a block a timer makes up for it, and what was read meanwhile is handed over later than that. */
const leastTurnMs = 25
/** Walks may take a tenth of the time, and one a millisecond or two. */
const walkSoonMs = 5
/** The end of a connection whose last answer is out has come by then. */
const neverMs = 5_000
/** Below that the next tick of the scan is too late for a note. */
const leastNoteAfterMs = 150

/** A request that is with the application, or whose answer is not out. */
class Flight<Call> {
  readonly request: Request
  readonly call: Call
  peer: Peer | null = null
  body: RequestBody | null = null
  /** Of the scan's tick that saw it first; 0: none has. */
  seenAt = 0
  /** It came no sooner than this. */
  notBefore = 0
  /** Answers in the application's place. */
  refuse: ((reason: BodyReason) => void) | null = null
  /** Its client is the one to move: see `Following.held`. */
  held = false
  over = false

  constructor(request: Request, call: Call) {
    this.request = request
    this.call = call
  }
}

export async function serveUnderLedger<Call>(start: Start, native: LedgerServer<Call>): Promise<Running> {
  const { app, options } = start
  const { policy, log, origins } = prepare(start, native.engine.enforcement)
  const kernel = openKernel(native.libc)
  const { now } = backgroundClock
  const secure = options.tls !== undefined
  const { maxRequestsPerConnection, maxConnectionAgeMs, maxConnections, maxBodyBytes } = policy
  const { threads } = native
  const noteAfter = noteAfterMs(policy)
  const counted = maxRequestsPerConnection !== 0 || maxConnectionAgeMs !== 0 || maxConnections !== 0
  const notesAll = secure || counted || noteAfter < leastNoteAfterMs
  const hintSeconds = Math.floor(policy.keepAliveHintMs / 1000)
  const keepAlive = hintSeconds > 0 ? `timeout=${hintSeconds}` : null
  const listeners = new Set<number>()
  /** Requests that are not noted yet. */
  const young = new Set<Flight<Call>>()
  /** Those that are noted and take a while: one of them may become another protocol's. */
  const noted = new Set<Flight<Call>>()
  /** Those whose body is watched. */
  const withBody = new Map<Peer, Flight<Call>>()
  /** Requests whose connection the application is taking over at this moment. */
  const taking = new Map<Request, Flight<Call>>()
  const checksHead = native.looksAtHeads === true && isSet(origins.maxHeadBytes)
  /** Both runtimes have a limit of their own, and to count costs more than it is worth where nobody asked for it. */
  const countsFields = isSet(origins.maxHeadFields)
  let requests = 0
  let spokeHttp2 = false
  let announced = false
  /** The request at which descriptors are counted again: each may have come on a connection of its own. */
  let countAt = 0
  /** The latest request that was handed to the application. */
  const current: { request: Request | null; call: Call | null; flight: Flight<Call> | null } = {
    request: null,
    call: null,
    flight: null,
  }

  const ledger = new Ledger({
    policy,
    kernel,
    clock: backgroundClock,
    random: Math.random,
    secure,
    threads,
    notes: notesAll ? 'every' : 'late',
    noteNow: () => noteYoung(now(), 0),
    notedUntil,
    onHangUp: log.note,
    budget: Budget.of(kernelDescriptors(kernel), policy),
    onShortage: shortageLog(log, now),
    discover: () => {
      if (!over) scan?.walkAgain()
    },
    refuse: (peer, reason) => withBody.get(peer)?.refuse?.(reason as BodyReason),
  })
  const { book } = ledger
  /** What is answered now is its connection's last. */
  const lastAnswers = () => announced || book.full

  const application = applicationOf(app, {
    policy,
    onError: options.onError,
    log,
    onTimeout: () => book.count('handler'),
    isSound: native.isSound,
  })

  function ask(request: Request, call: Call, flight: Flight<Call> | null): unknown {
    current.request = request
    current.call = call
    current.flight = flight
    try {
      return application.ask(request, call)
    } catch (error) {
      return errorResponse(error, request)
    }
  }

  const errorResponse = (error: unknown, request: Request): Response =>
    isClientGone(error) ? plainResponse(500) : application.responseToError(error, request)

  function onRequest(request: Request, call: Call): Response | Promise<Response> {
    requests += 1
    if (requests >= countAt) countAt = requests + book.keepWithinBudget(now())
    const { method } = request
    const bodied = method !== 'GET' && method !== 'HEAD'
    if (book.brimful && native.failsAtLimit === true) return onBrim(request, call, bodied)
    const atOnce = notesAll || checksHead || countsFields || lastAnswers()
    if (atOnce || bodied) return onWatched(request, call, bodied, atOnce)
    const returned = ask(request, call, null)
    if (!(returned instanceof Promise)) {
      // One that has taken its connection over must be answered as such, whatever it returned.
      const isPlain = taking.size === 0 && native.isPlain?.(returned) === true
      return isPlain ? hinted(returned as Response) : settled(returned, request, call, null)
    }
    const flight = new Flight(request, call)
    young.add(flight)
    return settledLater(returned, flight)
  }

  /** Whoever asks one after the other comes no faster than those before go. */
  async function onBrim(request: Request, call: Call, bodied: boolean): Promise<Response> {
    await new Promise((resolve) => setTimeout(resolve, brimMs))
    return onWatched(request, call, bodied, true)
  }

  function hinted(answer: Response): Response {
    return keepAlive === null ? answer : native.withHeader(answer, 'keep-alive', keepAlive)
  }

  /** A request with a body, or one that is noted at once because its connection is counted. */
  function onWatched(request: Request, call: Call, bodied: boolean, atOnce: boolean): Response | Promise<Response> {
    const address = atOnce ? native.peerOf(request, call) : null
    const name = address && peerName(address.host, address.port)
    // What comes after the last answer is never answered, so it must not run.
    const wasLast = name !== null && !isHttp2(request) && ledger.wasLast(name)
    if (wasLast !== false) return wasLast === null ? onWatchedLater(request, call, bodied) : never()
    const flight = new Flight(request, call)
    let refused: Response | null = null
    if (checksHead && headBytesOf(request) > policy.maxHeadBytes) {
      book.count('headTooLarge')
      refused = refusal('headTooLarge')
    }
    if (countsFields && fieldsIn(request) > policy.maxHeadFields) {
      book.count('headFields')
      refused ??= refusal('headFields')
    }
    if (bodied) {
      const announcedLength = isHttp2(request) ? announcedIn2(request) : announcedBytes(request)
      if (announcedLength !== 0) flight.body = watched(flight, announcedLength)
      if (maxBodyBytes !== 0 && announcedLength !== null && announcedLength > maxBodyBytes) {
        book.count('bodyTooLarge')
        refused ??= refusal('bodyTooLarge')
      }
    }
    if (name !== null) note(flight, name, now())
    else if (!atOnce) young.add(flight)
    if (secure && flight.peer?.requests === 1 && isHttp2(request)) {
      spokeHttp2 = true
      flight.peer.http2 = true
    }
    if (flight.peer?.surplus) {
      book.count('full')
      refused ??= surplus()
    }
    if (refused !== null) return answered(refused, request, call, flight)
    const returned = ask(request, call, flight)
    if (!(returned instanceof Promise)) return settled(returned, request, call, flight)
    if (flight.body === null) {
      if (flight.peer !== null) noted.add(flight)
      return settledLater(returned, flight)
    }
    return new Promise((resolve) => {
      let replaced = false
      flight.refuse = (reason) => {
        if (replaced) return
        replaced = true
        flight.body?.refuse(reason)
        resolve(answered(refusal(reason), request, call, flight))
      }
      returned.then(
        (value: unknown) => {
          // Whatever the application says of a body that was refused, the client has been answered.
          if (replaced) letGo(value)
          else resolve(settled(value, request, call, flight))
        },
        (error: unknown) => {
          if (!replaced) resolve(settled(errorResponse(error, request), request, call, flight))
        },
      )
    })
  }

  function settledLater(returned: Promise<unknown>, flight: Flight<Call>): Promise<Response> {
    const { request, call } = flight
    return returned.then(
      (value) => settled(value, request, call, flight),
      (error) => settled(errorResponse(error, request), request, call, flight),
    )
  }

  /** Whose connection it came on the next walk tells, which is not due yet. */
  async function onWatchedLater(request: Request, call: Call, bodied: boolean): Promise<Response> {
    await new Promise((resolve) => setTimeout(resolve, walkSoonMs))
    return onWatched(request, call, bodied, true)
  }

  function watched(flight: Flight<Call>, announcedLength: number | null): RequestBody {
    return new RequestBody(flight.request, {
      announced: announcedLength,
      maxBytes: maxBodyBytes,
      onTooLarge: () => {
        book.count('bodyTooLarge')
        flight.refuse?.('bodyTooLarge')
      },
    })
  }

  function note(flight: Flight<Call>, name: string, startedAt: number): void {
    const { body } = flight
    const peer = ledger.started(name, body, startedAt)
    flight.peer = peer
    if (body !== null) withBody.set(peer, flight)
  }

  /** One that was not noted when it began. */
  function noteLate(flight: Flight<Call>, startedAt: number): void {
    young.delete(flight)
    const address = native.peerOf(flight.request, flight.call)
    if (address === null) return
    note(flight, peerName(address.host, address.port), startedAt)
    noted.add(flight)
  }

  function noteYoung(at: number, afterMs: number): void {
    for (const flight of young) {
      if (flight.seenAt === 0) {
        flight.seenAt = at
        flight.notBefore = ticks.beforeLast
      }
      // The clocks of a body do not wait.
      if (flight.body === null && at - flight.seenAt < afterMs) continue
      noteLate(flight, flight.seenAt)
    }
  }

  /** Of the scan. What the runtime had read when one of them ended a long block was handed over after it. */
  const ticks = { last: now(), beforeLast: now() }

  function tick(at: number): void {
    noteYoung(at, threads?.wasAsked() ? 0 : noteAfter)
    if (at - ticks.last >= leastTurnMs) {
      ticks.beforeLast = ticks.last
      ticks.last = at
    }
    if (threads !== undefined) {
      tellThreads()
      if (threads.roomWanted()) {
        makeRoom()
        if (!hasRoom()) turnAway()
      }
      if (threads.isOver && !announced) drain.start({ announce: false })
    }
  }

  function tellThreads(): void {
    threads?.beat(notedUntil(), ledger.open)
  }

  /** A young one that no tick has seen came after the last but one. */
  function notedUntil(): number {
    let until = ticks.beforeLast
    for (const { seenAt, notBefore } of young) if (seenAt !== 0) until = Math.min(until, notBefore)
    return until
  }

  /** What the application returned, whatever it is. `known` null: nobody else knows of the request. Never throws. */
  function settled(returned: unknown, request: Request, call: Call, known: Flight<Call> | null): Response {
    let flight = known
    const taken = taking.size > 0 ? taking.get(request) : undefined
    if (taken !== undefined) {
      taking.delete(request)
      if (known !== null) ended(known)
      flight = taken
    }
    try {
      const upgrade = native.upgradeOf(returned, request, (error) => application.report(error, request))
      if (upgrade !== null) {
        upgraded(flight ?? new Flight(request, call))
        return upgrade.answer as Response
      }
      return answered(application.responseNotSwitching(returned, request), request, call, flight)
    } catch (error) {
      application.report(error, request)
      if (flight !== null) ended(flight)
      return plainResponse(500)
    }
  }

  function answered(answer: Response, request: Request, call: Call, known: Flight<Call> | null): Response {
    const isHead = request.method === 'HEAD'
    if (known !== null && known.body === null && !isHead && !counted && !lastAnswers() && native.isPlain?.(answer)) {
      const isShort = !known.peer?.http2 || !native.isLong(answer, true)
      if (isShort) {
        ended(known)
        return hinted(answer)
      }
    }
    let flight = known
    if (flight !== null && flight.peer === null && isLeft(flight.body)) noteLate(flight, now())
    const http2 = flight?.peer ? flight.peer.http2 : isHttp2(request)
    const said = native.connectionOf(answer)
    let given = native.toSend?.(answer, http2) ?? answer
    const last = lastAnswers() || (!http2 && leavesBody(flight))
    if (last || said !== null || (counted && isLastOf(flight?.peer))) {
      const closes = said === null ? !(last && http2) : closing.test(said)
      // Whoever gets 408 has fallen silent.
      const keeps = native.closesUnderBody !== true || (isLeft(flight?.body) && answer.status !== 408)
      if (closes && keeps && native.closesUnderBody === true) {
        if (said !== null) given = native.withHeader(given, 'connection', 'keep-alive')
      } else if (said === null && closes) given = native.withHeader(given, 'connection', 'close')
      if (closes) {
        flight ??= new Flight(request, call)
        if (flight.peer === null) noteLate(flight, now())
        if (flight.peer !== null) ledger.lastAnswer(flight.peer, !keeps)
      }
    } else given = hinted(given)
    if (isHead) given = native.forHead(given, http2)
    if (isHead || !native.isLong(given, http2)) {
      if (flight !== null) {
        ended(flight)
        const keeps = native.closesUnderBody !== true && !secure
        if (book.full && keeps && flight.peer?.last && !isLeft(flight.body)) ledger.finishSoon(flight.peer)
      }
      return given
    }
    // At once: its clock of quiet time begins with it.
    flight ??= new Flight(request, call)
    if (flight.peer === null) noteLate(flight, now())
    if (flight.peer !== null) ledger.began(flight.peer)
    return native.follow(given, call, followingOf(flight, http2))
  }

  function followingOf(flight: Flight<Call>, http2: boolean): Following {
    return {
      http2,
      report: (error) => application.report(error, flight.request),
      done: () => ended(flight),
      last() {
        if (flight.peer === null || http2) return
        ledger.lastAnswer(flight.peer)
        if (flight.over) ledger.finishSoon(flight.peer)
      },
      async cut() {
        if (flight.peer !== null && !http2) await ledger.resetSoon(flight.peer)
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
   * The runtime waits for the end of a body that the application has begun, or a copy of its request has, and not for its client.
   * Whether one without a length has come to its end nobody can say.
   */
  function leavesBody(flight: Flight<Call> | null): boolean {
    if (native.closesUnderBody === true || !flight?.body) return false
    const { body } = flight
    return isLeft(body) && (body.isBegun || body.announced === null)
  }

  function isLeft(body: RequestBody | null | undefined): boolean {
    return body?.mayBeLeft(withHeadBytes) ?? false
  }

  function ended(flight: Flight<Call>): void {
    if (flight.over) return
    flight.over = true
    noted.delete(flight)
    const { peer } = flight
    // Over HTTP/2 nobody is held up, and to let go is a reset, of which a session bears only some.
    if (peer?.http2 !== true) flight.body?.letGoLater()
    if (peer === null) {
      young.delete(flight)
      return
    }
    if (withBody.get(peer) === flight) withBody.delete(peer)
    if (flight.held) peer.held -= 1
    ledger.finished(peer)
  }

  function upgraded(flight: Flight<Call>): void {
    if (flight.peer === null) noteLate(flight, now())
    if (flight.peer === null) return
    ledger.upgraded(flight.peer)
    ended(flight)
  }

  function beforeUpgrade(request: Request): boolean {
    const isCurrent = current.request === request
    const asks = (flight: Flight<Call>): boolean => flight.request === request
    let flight = (isCurrent ? current.flight : null) ?? [...young].find(asks) ?? [...noted].find(asks) ?? null
    if (flight === null) {
      // Of another server in this process.
      if (!isCurrent) return true
      flight = new Flight(request, current.call as Call)
      taking.set(request, flight)
    }
    if (flight.peer === null) noteLate(flight, now())
    return flight.peer === null || !ledger.isGone(flight.peer)
  }

  /** One that has ended by itself is somebody else's descriptor by now. */
  function takeListeners(): number[] {
    const found = [...listeners].filter((fd) => {
      const local = kernel.local(fd)
      return local !== null && isAt(listener.at, local) && kernel.remote(fd) === null
    })
    listeners.clear()
    return found
  }

  function makeRoom(): void {
    scan?.walkNow()
    said(book.makeRoomFor(policy.reservedDescriptors || roomFor, now()))
  }

  function turnAway(): void {
    scan?.walkNow()
    said(book.turnAway(policy.reservedDescriptors || roomFor, now()))
  }

  /** That a few descriptors are free. */
  function hasRoom(): boolean {
    return (kernel.lowestFree() ?? Number.POSITIVE_INFINITY) + roomFor <= kernel.limit().soft
  }

  function said(freed: number): void {
    const message = `no descriptor was left to accept with: hung up on ${freed} connections that waited`
    log.write({ level: 'warn', code: 'reservedDescriptors', message })
  }

  function isLastOf(peer: Peer | null | undefined): boolean {
    if (!peer) return false
    const { surplus, requests, socket } = peer
    const agesAt = socket?.connection.agesAt ?? Number.POSITIVE_INFINITY
    return isLast({ requests, agesAt }, policy, now(), { surplus, draining: announced, full: book.full })
  }

  /** Deno and Bun give a request of HTTP/2 no Host, and HTTP/1.1 must have one. */
  function isHttp2({ headers }: Request): boolean {
    return secure && !headers.has('host')
  }

  let scan: Scan | null = null
  let listener: NativeListener
  try {
    listener = await native.listen(onRequest, {
      log,
      policy,
      failed(error) {
        log.error({ level: 'error', code: 'APPLICATION_ERROR', message: errorLine(error) })
        return plainResponse(500)
      },
      shutListeners: () => {
        for (const fd of takeListeners()) kernel.shut(fd)
      },
      closeListeners: () => {
        for (const fd of takeListeners()) kernel.vacate(fd)
      },
      beforeUpgrade,
      makeRoom() {
        threads?.wantRoom()
        makeRoom()
      },
      turnAway,
      hasRoom,
    })
  } catch (error) {
    kernel.close()
    throw listenError(error, options)
  }
  function onListener(fd: number): void {
    listeners.add(fd)
    const { peerProbeMs, writeTimeoutMs } = policy
    if (peerProbeMs === 0) return
    const goneAfterMs = peerProbeMs + probingMs
    kernel.keepAlive(fd, {
      afterMs: peerProbeMs,
      ...probes,
      // It takes the place of the count of probes (tcp_keepalive_timer of net/ipv4/tcp_timer.c), so it is no longer than they last;
      // and it ends those whose window is zero, too, which is for `writeTimeoutMs` to say.
      userTimeoutMs: writeTimeoutMs !== 0 && goneAfterMs > writeTimeoutMs ? goneAfterMs : 0,
    })
  }
  scan = new Scan({
    kernel,
    ledger,
    at: listener.at,
    clock: backgroundClock,
    onListener,
    beforeEach: tick,
  })
  scan.start()

  let saidGoodbye = false
  let over = false
  let lastAborts: number | null = null
  function end(cut = false): void {
    if (over) return
    over = true
    lastAborts = ledger.abortsOnData()
    threads?.leave()
    scan?.stop()
    if (cut && listener.cut !== undefined) listener.cut()
    else listener.stop()
    kernel.close()
  }

  const drain = new Drain(policy, {
    announce: () => {
      announced = true
      noteYoung(now(), 0)
    },
    stopAccepting: () => {
      // All that have been accepted are to be known from here on.
      scan?.walkNow()
      tellThreads()
      threads?.stopAccepting()
      listener.stopAccepting()
    },
    hangUpIdle: (closingForMs, atOnce) => {
      scan?.walkNow()
      if (closingForMs >= policy.minIdleMs && !saidGoodbye) {
        saidGoodbye = true
        if (spokeHttp2) listener.sayGoodbye?.()
      }
      book.hangUpIdle(closingForMs, atOnce)
    },
    left: () => {
      // What ends here ends those of other threads' as well: `stop` knows no difference.
      const left = book.size + (threads?.leftElsewhere ?? 0)
      if (left === 0) end()
      return left
    },
    cut: () => {
      // A request of this moment is to be known as one.
      noteYoung(now(), 0)
      scan?.walkNow()
      for (const member of book) member.sample(now())
      const cut = book.cut()
      end(true)
      return cut
    },
  })

  return runningOf({
    engine: native.engine.name,
    start,
    at: listener.at,
    log,
    book,
    drain,
    enforcement: native.engine.enforcement,
    requests: () => requests,
    races: () => ({ closeRaces: ledger.closeRaces, abortsOnData: over ? lastAborts : ledger.abortsOnData() }),
  })
}

/** What was thrown may be a Proxy that can't be looked at. */
function isClientGone(error: unknown): boolean {
  try {
    return error instanceof ClientGoneError
  } catch {
    return false
  }
}

const closing = /(^|,)\s*close\s*(,|$)/i

/** The ledger has ended the connection long before: this only lets go of what the runtime holds for the request. */
const never = (): Promise<Response> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(surplus()), neverMs).unref()
  })

function refusal(reason: BodyReason | 'headTooLarge' | 'headFields'): Response {
  return plainResponse(reasons[reason].status as number, { connection: 'close' })
}

/** As it came over HTTP/1.1, but for optional white space. */
function headBytesOf({ method, url, headers }: Request): number {
  let bytes = method.length + url.length - url.indexOf('/', 8) + ' HTTP/1.1\r\n\r\n'.length + 1
  for (const [name, value] of headers) bytes += name.length + value.length + ': \r\n'.length
  return bytes
}

/** Those of one name are one by then. */
function fieldsIn({ headers }: Request): number {
  let fields = 0
  for (const _ of headers.keys()) fields += 1
  return fields
}

/** HTTP/2 frames its bodies, and need not say how long they are. */
function announcedIn2(request: Request): number | null {
  const length = request.headers.get('content-length')
  if (length !== null) return Number(length)
  return request.body === null ? 0 : null
}

function surplus(): Response {
  return plainResponse(503, { 'retry-after': '1', connection: 'close' })
}
