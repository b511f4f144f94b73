/**
 * A worker’s side of `--workers`: it serves on the sockets that its parent holds, and ends with it.
 */
import process from 'node:process'
import { isAlive } from '../kernel/process.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import { exitStatus } from '../policy/exit-status.ts'
import type { Running } from '../serve/contract.ts'
import { type Assignment, type Order, type Word, type WorkerStart, workerVariable } from './messages.ts'
import { answerTo, type Local, lastReport } from './questions.ts'

/**
 * A parent that stops the server as well has said so by then: a signal to the group reaches both.
 */
const parentSpeaksWithinMs = 200
const lookEveryMs = 500

export interface Worker extends Assignment {
  /**
   * Balancers are told that the server is not ready: its end has begun, and not only that of this
   * worker.
   */
  readonly isReady: boolean
  /** From here on the parent’s orders are followed. `exit` ends the process. */
  attend(running: Pick<Running, 'drain' | 'kill' | 'connections' | 'closed'>, parts: AttendParts): void
}

interface AttendParts {
  readonly start: WorkerStart
  /** What the parent’s admin listener is told. */
  readonly server: Local
  exit(status: number): void
}

/** Null: this process is nobody’s worker. */
export function workerOf(): Worker | null {
  const given = process.env[workerVariable]
  if (given === undefined || process.send === undefined) return null
  delete process.env[workerVariable]
  return new WorkerSide(JSON.parse(given))
}

type Going = 'no' | 'replaced' | 'draining'

class WorkerSide implements Worker {
  readonly number: number
  readonly parent: number
  readonly sockets: Assignment['sockets']
  readonly isWatched: boolean
  readonly others: Assignment['others']
  #going: Going = 'no'
  #attended: { readonly running: Parameters<Worker['attend']>[0]; readonly parts: AttendParts } | null = null

  constructor({ number, parent, sockets, others, isWatched }: Assignment) {
    this.number = number
    this.parent = parent
    this.sockets = sockets
    this.others = others
    this.isWatched = isWatched
    process.on('message', (order: Order) => this.#obey(order))
    this.#endWithParent()
    // The parent is signalled, and says what is to be done. A terminal, and some supervisors, signal all of its group.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
      try {
        process.on(signal, () => this.#signalled(signal))
      } catch {
        // There is no such signal here.
      }
    }
  }

  get isReady(): boolean {
    return this.#going !== 'draining'
  }

  attend(running: Parameters<Worker['attend']>[0], parts: AttendParts): void {
    this.#attended = { running, parts }
    // By its own admin routes, if the application has mounted them.
    void running.closed.then((result) => this.#drained(result))
    this.#say({ word: 'ready', start: parts.start })
  }

  #obey(order: Order): void {
    const attended = this.#attended
    switch (order.order) {
      case 'drain':
        this.#go('draining', order.announce)
        break
      case 'leave':
        this.#go('replaced', false)
        break
      case 'cut':
        if (attended === null) process.exit(exitStatus.done)
        else void attended.running.kill()
        break
      case 'signal':
        process.emit(order.signal, order.signal)
        break
      case 'answer':
        if (attended === null) break
        this.#say({ word: 'answer', id: order.id, answer: answerTo(order.question, attended.parts.server) })
    }
  }

  #go(going: Exclude<Going, 'no'>, announce: boolean): void {
    if (this.#attended === null) process.exit(exitStatus.done)
    this.#going = going
    const { running } = this.#attended
    void running.drain({ announce })
    this.#say({ word: 'draining', busy: running.connections().busy })
  }

  #signalled(signal: NodeJS.Signals): void {
    if (signal !== 'SIGTERM' && signal !== 'SIGINT') return
    // Meant for this worker alone: another one takes its place.
    backgroundClock.after(parentSpeaksWithinMs, () => {
      if (this.#going === 'no') this.#go('replaced', false)
    })
  }

  #drained(result: DrainResult): void {
    const { server, exit } = this.#attended!.parts
    const last = this.isWatched ? lastReport(server) : null
    this.#say({ word: 'drained', result, last }, () => exit(result.cut > 0 ? exitStatus.failed : exitStatus.done))
  }

  #say(word: Word, then: () => void = () => {}): void {
    if (process.send === undefined || !process.connected) then()
    else process.send(word, undefined, undefined, () => then())
  }

  /**
   * However the parent ended, also by SIGKILL. Deno does not always tell of it: it is looked at as
   * well.
   */
  #endWithParent(): void {
    const startedBy = process.ppid
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      this.#go('draining', false)
    }
    process.on('disconnect', over)
    const look = (): void => {
      if (process.ppid === startedBy) backgroundClock.after(lookEveryMs, look)
      else over()
    }
    // It may have ended while this process was starting, when nobody here could hear of it.
    if (startedBy === this.parent || isAlive(this.parent)) look()
    else over()
  }
}
