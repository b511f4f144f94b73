/**
 * `serve()` over a runtime's own server that shows no connections, under the kernel ledger: the
 * scan sees connections, the flights are requests, and where the two disagree with the policy a
 * connection is closed through the kernel.
 */

import { toNative } from '../http1/web/ours.ts'
import { InheritedListener } from '../kernel/inherited-listener.ts'
import { type Kernel, kernelDescriptors, openKernel } from '../kernel/kernel.ts'
import type { Address } from '../kernel/layout.ts'
import { Ledger } from '../kernel/ledger.ts'
import { Scan } from '../kernel/scan.ts'
import { noteAfterMs } from '../kernel/schedule.ts'
import type { Threads } from '../kernel/threads.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { Budget } from '../lifecycle/descriptor-budget.ts'
import { Drain, type DrainActions } from '../lifecycle/drain.ts'
import type { Policy } from '../policy/policy.ts'
import { applicationOf } from '../serve/application.ts'
import type { ConnectionsSummary, Running } from '../serve/contract.ts'
import { errorLine } from '../serve/error-line.ts'
import { listenError, prepare, type ReasonLog, shortageLog } from '../serve/prepare.ts'
import { plainResponse } from '../serve/responses.ts'
import { runningOf } from '../serve/running.ts'
import type { Start } from '../serve/runtime.ts'
import { Exchanges, isCounted } from './exchanges.ts'
import { Flights } from './flights.ts'
import type { LedgerServer, ListenKit, NativeListener } from './ledger-server.ts'
import { type BodyReason, holdReaders } from './request-body.ts'
import { Room } from './room.ts'

/** Below that the next tick of the scan is too late for a note. */
const leastNoteAfterMs = 150

export async function serveUnderLedger<Call>(start: Start, server: LedgerServer<Call>): Promise<Running> {
  const { enforcement, name } = server.engine
  const { policy, log } = prepare(start, enforcement)
  const under = new UnderLedger(start, server, policy, log)
  const at = await under.listen()
  const drain = under.drain()
  return runningOf({
    engine: name,
    start,
    at,
    log,
    connections: under.ledger.connections,
    drain,
    enforcement,
    requests: () => under.exchanges.count,
    races: () => under.races,
  })
}

/** One server, from its first request to the end of its last connection. */
class UnderLedger<Call> {
  readonly ledger: Ledger
  readonly exchanges: Exchanges<Call>
  readonly #start: Start
  readonly #server: LedgerServer<Call>
  readonly #policy: Policy
  readonly #log: ReasonLog
  readonly #kernel: Kernel
  readonly #inherited: InheritedListener | null
  readonly #threads: Threads | undefined
  readonly #flights: Flights<Call>
  readonly #room: Room
  readonly #noteAfterMs: number
  #scan: Scan | null = null
  /** Set before the scan is. */
  #listener!: NativeListener
  #drain: Drain | null = null
  #saidGoodbye = false
  #isOver = false
  #lastAborts: number | null = null

  constructor(start: Start, server: LedgerServer<Call>, policy: Policy, log: ReasonLog) {
    const { app, options, resolved, observer, longLived } = start
    const { now } = backgroundClock
    const secure = options.tls !== undefined
    const kernel = openKernel(server.libc)
    this.#start = start
    this.#server = server
    this.#policy = policy
    this.#log = log
    this.#kernel = kernel
    this.#inherited = options.fd === undefined ? null : new InheritedListener(server.libc, kernel, options.fd)
    this.#threads = server.threads
    this.#noteAfterMs = noteAfterMs(policy)
    const notesAll = secure || isCounted(policy) || this.#noteAfterMs < leastNoteAfterMs
    const flights = new Flights<Call>({
      ledger: () => this.ledger,
      peerOf: (request, call) => server.peerOf(request, call),
      now,
    })
    this.#flights = flights
    this.ledger = new Ledger({
      policy,
      kernel,
      clock: backgroundClock,
      random: Math.random,
      secure,
      threads: server.threads,
      notes: notesAll ? 'every' : 'late',
      noteNow: () => flights.noteYoung(now(), 0),
      notedUntil: () => flights.notedUntil,
      onClosed: log.note,
      budget: Budget.of(kernelDescriptors(kernel), policy),
      onShortage: shortageLog(log, now),
      discover: () => !this.#isOver && this.#scan?.walkAgain() === true,
      refuse: (peer, reason) => this.exchanges.refuse(peer, reason as BodyReason),
      observer,
      keepsReserve: start.keepsReserve,
    })
    const { ledger } = this
    observer.watch(ledger.connections, () => this.#lookAround())
    const application = applicationOf(app, {
      policy,
      clock: backgroundClock,
      onError: options.onError,
      log,
      onRefused: (reason) => ledger.connections.count(reason),
      isSound: (returned) => server.isSound(returned),
      ownOf: toNative,
      draining: longLived.draining,
      webSockets: () => longLived.webSockets,
    })
    this.exchanges = new Exchanges({
      server,
      resolved,
      secure,
      notesAll,
      ledger,
      flights,
      application,
      longLived,
      clock: backgroundClock,
    })
    this.#room = new Room({
      kernel,
      ledger,
      policy,
      log,
      now,
      walk: () => this.#scan?.walkNow(),
      at: () => this.#listener.at,
    })
  }

  /** Resolves to what the server listens on, as the kernel names it. */
  async listen(): Promise<NativeListener['at']> {
    const { exchanges } = this
    holdReaders()
    try {
      const { requests, access } = this.#start.observer
      const timed = requests.timing((request: Request, call: Call) => exchanges.onRequest(request, call))
      const onRequest = access === null ? timed : access.ofHandler(timed, (...of) => this.#server.peerOf(...of))
      this.#listener = await this.#server.listen(onRequest, this.#kit())
    } catch (error) {
      this.#kernel.close()
      throw listenError(error, this.#start.options)
    }
    const { at } = this.#listener
    this.#scan = new Scan({
      kernel: this.#kernel,
      ledger: this.ledger,
      at,
      clock: backgroundClock,
      onListener: (fd) => this.#room.found(fd),
      beforeEach: (now) => this.#tick(now),
      duplicates: this.#start.observer.duplicates,
    })
    this.#scan.start()
    return at
  }

  drain(): Drain {
    this.#drain = new Drain(this.#policy, this.#drainActions())
    return this.#drain
  }

  get races(): Pick<ConnectionsSummary, 'closeRaces' | 'abortsOnData'> {
    const { closeRaces } = this.ledger
    return { closeRaces, abortsOnData: this.#isOver ? this.#lastAborts : this.ledger.abortsOnData() }
  }

  #kit(): ListenKit {
    const room = this.#room
    const inherited = this.#inherited
    return {
      inherits: inherited !== null,
      settle: (own) => this.#settle(own),
      log: this.#log,
      policy: this.#policy,
      longLived: this.#start.longLived,
      failed: (error) => {
        this.#log.error({ level: 'error', code: 'APPLICATION_ERROR', message: errorLine(error) })
        return plainResponse(500)
      },
      // What others accept on as well is never shut.
      shutListeners: () => (inherited === null ? room.shutListeners() : inherited.release()),
      closeListeners: () => (inherited === null ? room.closeListeners() : inherited.release()),
      beforeUpgrade: (request) => this.#flights.beforeUpgrade(request),
      makeRoom: () => {
        this.#threads?.wantRoom()
        room.make()
      },
      turnAway: () => room.turnAway(),
      hasRoom: () => room.isThere,
    }
  }

  #settle(own: Address): Address {
    if (this.#inherited === null) return own
    this.#inherited.takePlaceOf(own)
    const { host = '', port = 0 } = this.#start.options
    return { host, port }
  }

  #tick(at: number): void {
    const threads = this.#threads
    this.#flights.noteYoung(at, threads?.wasAsked() ? 0 : this.#noteAfterMs)
    this.#flights.ticked(at)
    if (threads === undefined) return
    this.#tellThreads()
    if (threads.roomWanted()) {
      this.#room.make()
      if (!this.#room.isThere) this.#room.turnAway()
    }
    if (threads.isOver && !this.exchanges.draining) void this.#drain?.start({ announce: false })
  }

  #tellThreads(): void {
    this.#threads?.beat(this.#flights.notedUntil, this.ledger.open)
  }

  #drainActions(): DrainActions {
    const { connections } = this.ledger
    const { minIdleMs } = this.#policy
    return {
      announce: () => {
        this.exchanges.draining = true
        this.#flights.noteYoung(backgroundClock.now(), 0)
      },
      stopAccepting: () => {
        // All that have been accepted are to be known from here on.
        this.#scan?.walkNow()
        this.#tellThreads()
        this.#threads?.stopAccepting()
        this.#listener.stopAccepting()
      },
      closeIdle: (closingForMs, atOnce) => {
        this.#scan?.walkNow()
        if (closingForMs >= minIdleMs && !this.#saidGoodbye) {
          this.#saidGoodbye = true
          if (this.exchanges.spokeHttp2) this.#listener.sayGoodbye?.()
        }
        connections.closeIdle(closingForMs, atOnce)
      },
      left: () => {
        // What ends here ends the connections of other threads as well: `stop` knows no difference.
        const left = connections.size + (this.#threads?.leftElsewhere ?? 0)
        if (left === 0) this.#end()
        return left
      },
      cut: () => {
        this.#lookAround()
        const cut = connections.cut()
        this.#end(true)
        return cut
      },
      longLived: this.#start.longLived,
    }
  }

  /** Every connection is known from here on, and whether it is in a request. */
  #lookAround(): void {
    if (this.#isOver) return
    const now = backgroundClock.now()
    this.#flights.noteYoung(now, 0)
    this.#scan?.walkNow()
    for (const member of this.ledger.connections) member.sample(now)
  }

  #end(cut = false): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#lastAborts = this.ledger.abortsOnData()
    this.#threads?.leave()
    this.#scan?.stop()
    this.#inherited?.release()
    if (cut && this.#listener.cut !== undefined) this.#listener.cut()
    else this.#listener.stop()
    this.#kernel.close()
  }
}
