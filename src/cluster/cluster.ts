/**
 * `--workers`: this process holds the listening sockets and accepts nothing; its workers do. One
 * that dies is started again, all are replaced one by one on SIGHUP, and all end with this process.
 */
import process from 'node:process'
import { deferred } from '../deferred.ts'
import type { Clock } from '../lifecycle/clock.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import type { Policy } from '../policy/policy.ts'
import type { Log } from '../serve/log.ts'
import type { HeldListener } from '../serve/runtime.ts'
import { sumOfDrains } from '../serve/summary.ts'
import type { Order, WorkerStart } from './messages.ts'
import { Restarts } from './restarts.ts'
import { type WorkerEnd, WorkerProcess } from './worker-process.ts'

export interface SharedListener extends HeldListener {
  /**
   * The number by which every child has it; null: it is handed to each. Of all listeners the same.
   */
  readonly inheritedAs: number | null
}

export interface ClusterParts {
  readonly count: number
  /** For each place where clients connect: a socket for each worker, or one for all. */
  readonly listeners: readonly (readonly SharedListener[])[]
  /** Starts this command once more. */
  readonly command: readonly [string, ...string[]]
  readonly isWatched: boolean
  readonly policy: Pick<Policy, 'drainDelayMs' | 'drainTimeoutMs'>
  readonly clock: Clock
  readonly log: Log
}

/** The first worker did not start; it has said why. */
export interface NotStarted {
  readonly status: number
}

/** What of the workers the parent tells. */
export interface ClusterEvents {
  /** `worker` has ended; what it knew last is in it. */
  ended(worker: WorkerProcess): void
}

/** Behind standard input, output, error and the channel. */
const firstFd = 4

/** A worker keeps to `drainTimeoutMs` by itself, unless it is blocked. */
const lateMs = 2_000

type End = 'running' | 'draining' | 'cutting'

export class Cluster {
  readonly #parts: ClusterParts
  readonly #workers = new Set<WorkerProcess>()
  readonly #restarts = new Restarts()
  readonly #closed = deferred<DrainResult>()
  readonly #events: ClusterEvents
  #lastNumber = 0
  #end: End = 'running'
  readonly #drained: DrainResult[] = []
  #inFlight: Promise<number> = Promise.resolve(0)
  #failed = false
  #rolling: Promise<void> | null = null
  /** Starts in the place of another, in a roll. */
  #replacement: WorkerProcess | null = null
  #rollAgain = false
  /** Workers that died and were started again, since the start. */
  restarted = 0

  constructor(parts: ClusterParts, events: ClusterEvents = { ended() {} }) {
    this.#parts = parts
    this.#events = events
  }

  /** Resolves when all workers are ready, or none is left. */
  async start(): Promise<WorkerStart | NotStarted> {
    // One alone, so that what is wrong is said once.
    const first = this.#begin()
    const start = await first.ready
    if (start === null) return { status: (await first.ended).status }
    // None, if a drain has begun before the first was heard of: nobody would tell them to end.
    this.#fill()
    await Promise.all(this.workers.map(({ ready }) => ready))
    return start
  }

  /** Those that serve, or are about to, or end. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers]
  }

  /** Resolves when none is left; rejects never. */
  get closed(): Promise<DrainResult> {
    return this.#closed.promise
  }

  get isEnding(): boolean {
    return this.#end !== 'running'
  }

  /** None serves, and it is no use to go on starting them. */
  get hasFailed(): boolean {
    return this.#failed
  }

  tellAll(order: Order): void {
    for (const worker of this.#workers) worker.tell(order)
  }

  /** Requests that were in flight when the drain began. */
  get inFlight(): Promise<number> {
    return this.#inFlight
  }

  drain({ announce = true }: { readonly announce?: boolean } = {}): Promise<DrainResult> {
    if (this.#end === 'running') {
      this.#end = 'draining'
      const { clock, policy } = this.#parts
      // Nobody is to wait in a queue that no worker takes from any more.
      const cancel = clock.after(announce ? policy.drainDelayMs : 0, () => this.#closeListeners())
      void this.closed.then(cancel)
      const counts = this.workers.map((worker) => worker.drain(announce))
      this.#inFlight = Promise.all(counts).then((all) => all.reduce((sum, count) => sum + count, 0))
      this.#endIfEmpty()
    } else if (!announce) {
      this.#closeListeners()
      this.tellAll({ order: 'drain', announce })
    }
    return this.closed
  }

  kill(): Promise<DrainResult> {
    this.#end = 'cutting'
    this.#closeListeners()
    for (const worker of this.#workers) worker.cut()
    this.#endIfEmpty()
    return this.closed
  }

  /**
   * From now on a worker whose event loop stands still for so long is killed, and another takes its
   * place.
   */
  watch(silentMs: number): void {
    const { clock, log } = this.#parts
    const look = (): void => {
      if (this.isEnding) return
      for (const worker of this.#staying.filter(({ isReady }) => isReady)) {
        if (worker.silentMs <= silentMs) void worker.ask({ ask: 'alive' })
        else {
          const message = `worker ${worker.number} has stood still for ${Math.round(worker.silentMs)} ms: it is killed`
          log({ level: 'error', code: 'WORKER_STUCK', message, count: 1 })
          worker.kill()
        }
      }
      clock.after(silentMs / 4, look)
    }
    clock.after(silentMs / 4, look)
  }

  /**
   * Resolves when each worker of now has been replaced and has ended, or a replacement did not
   * start.
   */
  roll(): Promise<void> {
    if (this.#rolling !== null) {
      this.#rollAgain = true
      // One that never gets ready would hold this one up as well.
      this.#replacement?.kill()
      return this.#rolling
    }
    this.#rolling = this.#rollAll().finally(() => {
      this.#rolling = null
    })
    return this.#rolling
  }

  async #rollAll(): Promise<void> {
    const { log } = this.#parts
    do {
      this.#rollAgain = false
      const old = this.#staying
      log({ level: 'info', code: 'ROLLING', message: `replacing ${old.length} workers, one by one`, count: 1 })
      if (await this.#replaceEach(old)) {
        log({ level: 'info', code: 'ROLLED', message: `replaced ${old.length} workers`, count: 1 })
      }
    } while (this.#rollAgain && !this.isEnding)
  }

  async #replaceEach(old: readonly WorkerProcess[]): Promise<boolean> {
    for (const worker of old) {
      // Who took the place of one that died or left meanwhile is new already.
      if (!this.#stays(worker)) continue
      const next = this.#begin(worker.slot)
      this.#replacement = next
      const start = await next.ready
      // Until its end has been heard of: it is no worker that died.
      if (start === null) await next.ended
      this.#replacement = null
      if (this.isEnding) return false
      if (start === null) {
        if (!this.#rollAgain) this.#saidStopped(next, worker)
        // Who has died meanwhile was not started again for the sake of this one.
        this.#fill()
        return false
      }
      // Of one that died meanwhile another may have taken the place.
      const isSurplus = !this.#stays(worker) && this.#staying.length > this.#parts.count
      const leaver = isSurplus ? next : worker
      leaver.leave()
      await leaver.ended
      if (this.isEnding || this.#rollAgain) return false
    }
    return true
  }

  #saidStopped(next: WorkerProcess, worker: WorkerProcess): void {
    const message = `worker ${next.number} did not start: worker ${worker.number} and those after it go on as before`
    this.#parts.log({ level: 'error', code: 'ROLL_STOPPED', message, count: 1 })
  }

  #stays(worker: WorkerProcess): boolean {
    return this.#workers.has(worker) && !worker.leaves
  }

  /** Those that are not about to go. */
  get #staying(): WorkerProcess[] {
    return this.workers.filter((worker) => !worker.leaves && worker !== this.#replacement)
  }

  get #freeSlot(): number {
    const taken = new Set(this.#staying.map(({ slot }) => slot))
    let slot = 0
    while (taken.has(slot)) slot += 1
    return slot
  }

  #fill(): void {
    while (!this.isEnding && this.#staying.length < this.#parts.count) this.#begin()
  }

  /** `slot`: default: the first that nobody has, or who has it is about to go. */
  #begin(slot = this.#freeSlot): WorkerProcess {
    const { listeners, command, isWatched, policy, clock } = this.#parts
    this.#lastNumber += 1
    const own = listeners.map((sockets) => sockets[slot % sockets.length]!)
    const inherited = listeners.flat().flatMap(({ inheritedAs }) => inheritedAs ?? [])
    const worker = new WorkerProcess({
      assignment: {
        number: this.#lastNumber,
        parent: process.pid,
        sockets: own.map(({ inheritedAs, at }, index) => ({ fd: inheritedAs ?? firstFd + index, at })),
        others: inherited.filter((fd) => own.every(({ inheritedAs }) => inheritedAs !== fd)),
        isWatched,
      },
      slot,
      command,
      fds: own.flatMap(({ inheritedAs, fd }) => (inheritedAs === null ? [fd] : [])),
      goneWithinMs: policy.drainTimeoutMs + lateMs,
      clock,
    })
    this.#workers.add(worker)
    void worker.leaving.then(() => this.#fill())
    const startedAfter = this.#restarts.deaths
    void worker.ended.then((end) => this.#ended(worker, end, startedAfter))
    return worker
  }

  #ended(worker: WorkerProcess, { status, drained }: WorkerEnd, startedAfter: number): void {
    const isReplacement = worker === this.#replacement
    this.#workers.delete(worker)
    this.#events.ended(worker)
    if (this.isEnding) {
      // It died in the drain, with whatever it had left.
      this.#drained.push(drained ?? { cut: worker.isReady ? 1 : 0 })
      this.#endIfEmpty()
      return
    }
    // The first of all is for `start` to tell of, a replacement for the roll.
    const isFirst = this.#lastNumber === 1 && !worker.isReady
    if (worker.leaves || isReplacement || isFirst) return
    const delayMs = this.#restarts.delayMs(worker.servedMs, startedAfter)
    if (this.#restarts.isHopeless && !this.workers.some(({ isReady }) => isReady)) {
      this.#giveUp()
      return
    }
    const how = status > 128 ? `was ended by signal ${status - 128}` : `ended with status ${status}`
    const again = delayMs === 0 ? 'another is started' : `another is started in ${delayMs} ms`
    const message = `worker ${worker.number} ${how}: ${again}`
    this.#parts.log({ level: 'error', code: 'WORKER_DIED', message, count: 1 })
    this.restarted += 1
    this.#parts.clock.after(delayMs, () => this.#fill())
  }

  #giveUp(): void {
    this.#failed = true
    const message = 'no worker stays up: this process ends'
    this.#parts.log({ level: 'error', code: 'WORKERS_FAILED', message, count: 1 })
    void this.kill()
  }

  #endIfEmpty(): void {
    if (this.#workers.size > 0) return
    this.#closeListeners()
    this.#closed.resolve(sumOfDrains(this.#drained))
  }

  #closeListeners(): void {
    for (const listener of this.#parts.listeners.flat()) listener.close()
  }
}
