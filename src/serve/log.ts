/** One line for everything that we did to a client: which option, what happened, how often. */
import { textLine } from '../log/forms.ts'
import type { LogCode } from '../policy/codes.ts'

type Level = 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: Level
  /** Stable for ever: what programs match. docs/errors.md says what each means. */
  readonly code: LogCode
  readonly message: string
  /** How many events this line stands for. */
  readonly count: number
}

export type Log = (line: LogLine) => void

/** For code that gives no log of its own; the command line has `src/log/`. */
export const stderrLog: Log = (line) => console.error(textLine(line))

/**
 * At most one line per code and second: the first at once, what follows within the second summed up
 * in the next. `flush()` writes what is still held back.
 */
export class ThrottledLog {
  readonly #log: Log
  readonly #now: () => number
  readonly #held = new Map<string, { line: LogLine; count: number; since: number }>()

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  write(line: Omit<LogLine, 'count'>): void {
    const held = this.#held.get(line.code)
    const now = this.#now()
    if (held && now - held.since < 1000) {
      held.line = { ...line, count: 1 }
      held.count += 1
      return
    }
    const count = (held?.count ?? 0) + 1
    this.#held.set(line.code, { line: { ...line, count: 0 }, count: 0, since: now })
    this.#log({ ...line, count })
  }

  flush(): void {
    for (const { line, count } of this.#held.values()) if (count > 0) this.#log({ ...line, count })
    this.#held.clear()
  }
}

/** Lines of which each says something else, such as the application's errors. */
const burst = 20

/**
 * At most `burst` lines a second, each at once; what was left out is counted in one line of its
 * own, before the next line or at `flush()`. So no client can fill a disk with an application's
 * errors.
 */
export class BurstLog {
  readonly #log: Log
  readonly #now: () => number
  #since = Number.NEGATIVE_INFINITY
  #written = 0
  #left = 0

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  write(line: Omit<LogLine, 'count'>): void {
    const now = this.#now()
    if (now - this.#since >= 1000) {
      this.flush()
      this.#since = now
      this.#written = 0
    }
    if (this.#written < burst) {
      this.#written += 1
      this.#log({ ...line, count: 1 })
    } else this.#left += 1
  }

  flush(): void {
    if (this.#left === 0) return
    const count = this.#left
    this.#left = 0
    this.#log({ level: 'error', code: 'LINES_LEFT_OUT', message: 'more errors than are logged in a second', count })
  }
}
