/** One worker as its parent sees it: a process, from its start to its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { deferred } from '../deferred.ts'
import type { Clock } from '../lifecycle/clock.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import { type Assignment, type Order, type Word, type WorkerStart, workerVariable } from './messages.ts'
import type { Answers, Question, Report } from './questions.ts'

/** A blocked event loop answers nothing; what is known of it is then what it said before. */
const answerWithinMs = 1_000

const cutWithinMs = 2_000

/** From its end until what it has said is here, unless its channel is held open. */
const lastWordsWithinMs = 500

/** What is the parent’s alone to say or to use. */
const ownVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']

export interface WorkerEnd {
  /** 128 + n: a signal ended it. */
  readonly status: number
  /** Null: it did not say, so it did not drain to its end. */
  readonly drained: DrainResult | null
}

export interface WorkerParts {
  readonly assignment: Assignment
  readonly slot: number
  /** Starts this command once more. */
  readonly command: readonly [string, ...string[]]
  /** Behind standard input, output, error and the channel. */
  readonly fds: readonly number[]
  /** Once it was told to go: then it is blocked, and is killed. */
  readonly goneWithinMs: number
  readonly clock: Clock
}

const statusOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)

export class WorkerProcess {
  readonly number: number
  /** Whose sockets it accepts on. */
  readonly slot: number
  /** Null: it ended before. */
  readonly ready: Promise<WorkerStart | null>
  readonly ended: Promise<WorkerEnd>
  /** Resolves when it begins to go, whoever wanted it. */
  readonly leaving: Promise<void>
  readonly #child: ChildProcess
  readonly #clock: Clock
  #readyAt: number | null = null
  #heardAt: number
  #drained: DrainResult | null = null
  #last: Report | null = null
  #lastId = 0
  readonly #waiting = new Map<number, (answer: Answers[keyof Answers] | null) => void>()
  readonly #draining = deferred<number>()
  readonly #leaving = deferred<void>()
  readonly #goneWithinMs: number
  #leaves = false

  constructor({ assignment, command: [program, ...args], slot, fds, clock, goneWithinMs }: WorkerParts) {
    this.number = assignment.number
    this.slot = slot
    this.leaving = this.#leaving.promise
    this.#clock = clock
    this.#goneWithinMs = goneWithinMs
    this.#heardAt = clock.now()
    const env: NodeJS.ProcessEnv = { ...process.env, [workerVariable]: JSON.stringify(assignment) }
    for (const name of ownVariables) delete env[name]
    const child = spawn(program, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...fds] })
    this.#child = child
    const ready = deferred<WorkerStart | null>()
    const ended = deferred<WorkerEnd>()
    this.ready = ready.promise
    this.ended = ended.promise
    const end = (status: number): void => {
      ready.resolve(null)
      this.#draining.resolve(0)
      ended.resolve({ status, drained: this.#drained })
      for (const done of [...this.#waiting.values()]) done(null)
      if (child.connected) child.disconnect()
    }
    child.on('message', (word: Word) => {
      this.#heardAt = clock.now()
      if (word.word === 'ready') {
        this.#readyAt = clock.now()
        ready.resolve(word.start)
      } else this.#heard(word)
    })
    child.once('error', () => end(1))
    // A process that the application has started may hold the channel open for longer (Deno).
    child.once('exit', (code, signal) => {
      const cancel = clock.after(lastWordsWithinMs, () => end(statusOf(code, signal)))
      void this.ended.then(cancel)
    })
    child.once('close', (code, signal) => end(statusOf(code, signal)))
  }

  get isReady(): boolean {
    return this.#readyAt !== null
  }

  /** It was told to go, or goes by itself. */
  get leaves(): boolean {
    return this.#leaves
  }

  /** How long it has served; null: it has not. */
  get servedMs(): number | null {
    return this.#readyAt === null ? null : this.#clock.now() - this.#readyAt
  }

  /** Since it said anything. */
  get silentMs(): number {
    return this.#clock.now() - this.#heardAt
  }

  /** What it was like when it was asked last, or at its end; null: it was never asked. */
  get last(): Report | null {
    return this.#last
  }

  tell(order: Order): void {
    // Who has gone hears nothing; its end says the rest.
    if (this.#child.connected) this.#child.send(order, () => {})
  }

  /**
   * Drains it; resolves, with the requests that were in flight, as soon as it says that it has
   * begun.
   */
  drain(announce: boolean): Promise<number> {
    this.#go(this.#goneWithinMs)
    this.tell({ order: 'drain', announce })
    return this.#draining.promise
  }

  /** Another has taken its place. */
  leave(): void {
    this.#go(this.#goneWithinMs)
    this.tell({ order: 'leave' })
  }

  cut(): void {
    this.#go(this.isReady ? cutWithinMs : 0)
    this.tell({ order: 'cut' })
  }

  kill(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(this.#child.pid, 'SIGKILL')
    } catch {
      // Gone, and not yet heard of.
    }
  }

  #go(withinMs: number): void {
    this.#leaves = true
    this.#leaving.resolve()
    const cancel = this.#clock.after(withinMs, () => this.kill())
    void this.ended.then(cancel)
  }

  /** Null: it did not answer in time. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q['ask']] | null> {
    if (!this.#child.connected || !this.isReady) return Promise.resolve(null)
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve) => {
      const done = (answer: Answers[keyof Answers] | null): void => {
        cancel()
        this.#waiting.delete(id)
        resolve(answer as Answers[Q['ask']] | null)
      }
      const cancel = this.#clock.after(answerWithinMs, () => done(null))
      this.#waiting.set(id, done)
      this.tell({ order: 'answer', id, question })
    })
  }

  /** Asks for what it knows of itself, and keeps it. */
  async look(connections: number, readings: boolean): Promise<void> {
    const report = await this.ask({ ask: 'report', connections, readings })
    if (report === null) return
    const { readings: known = null, connections: seen = [] } = this.#last ?? {}
    // What was not asked for is as it was.
    this.#last = {
      ...report,
      readings: report.readings ?? known,
      connections: connections === 0 ? seen : report.connections,
    }
  }

  #heard(word: Exclude<Word, { word: 'ready' }>): void {
    switch (word.word) {
      case 'draining':
        this.#leaves = true
        this.#leaving.resolve()
        this.#draining.resolve(word.busy)
        return
      case 'drained':
        this.#drained = word.result
        this.#last = word.last ?? this.#last
        return
      case 'answer':
        this.#waiting.get(word.id)?.(word.answer)
    }
  }
}
