/**
 * Lines on their way out. Whoever writes one never waits: what the destination does not take yet is
 * kept up to a bound, and what is beyond it is lost and counted.
 */
import type { Clock } from '../lifecycle/clock.ts'
import type { Destination, WriteError } from './destination.ts'

export interface LineOutputOptions {
  readonly destination: Destination
  readonly clock: Clock
  /** Told of lines that were lost, as soon as that is over or nothing more can be written. */
  readonly onLost: (count: number, why: string) => void
  /** `onLost` does not write here: it is told at once, too, once a second. Default: no. */
  readonly tellsElsewhere?: boolean
  /** Told when a write fails, such as on a full disk, once until one succeeds. Lines wait. */
  readonly onStuck?: (why: string) => void
  /** Characters that are kept at most. Default: a million. */
  readonly mostChars?: number
}

/** Written at once, at most. */
const batchChars = 64 * 1024
/**
 * A pipe that is full is tried again after so long, and anything else that fails, such as a full
 * disk.
 */
const fullPipeMs = 20
const failedMs = 1_000
const tooSlow = 'its reader or its disk is too slow'
/** Nobody is left to read. */
const isOver = ({ code }: WriteError): boolean => code === 'EPIPE' || code === 'EBADF' || code === 'ECONNRESET'

/** What is being written. */
interface Batch {
  readonly bytes: Uint8Array
  readonly lines: number
  /** Bytes of it that are out. */
  out: number
}

export class LineOutput {
  readonly #destination: Destination
  readonly #clock: Clock
  readonly #onLost: LineOutputOptions['onLost']
  readonly #mostChars: number
  readonly #tellsElsewhere: boolean
  readonly #onStuck: (why: string) => void
  #isStuck = false
  #toldAt = Number.NEGATIVE_INFINITY
  #lines: string[] = []
  #chars = 0
  #batch: Batch | null = null
  #isOver = false
  #lost = 0
  #why = tooSlow
  #whenEmpty: (() => void)[] = []

  constructor({
    destination,
    clock,
    onLost,
    tellsElsewhere = false,
    onStuck = () => {},
    mostChars = 1_000_000,
  }: LineOutputOptions) {
    this.#destination = destination
    this.#clock = clock
    this.#onLost = onLost
    this.#mostChars = mostChars
    this.#tellsElsewhere = tellsElsewhere
    this.#onStuck = onStuck
  }

  /** `line` without its end. */
  write(line: string): void {
    if (this.#isOver) return
    if (this.#chars + line.length > this.#mostChars) {
      this.#lost += 1
      if (this.#tellsElsewhere && this.#clock.now() - this.#toldAt >= 1_000) this.#tellLost()
      return
    }
    this.#lines.push(line)
    this.#chars += line.length + 1
    if (this.#batch === null) this.#next()
  }

  /** Resolves when all is out, or can never be, or after `withinMs`: then what is left is lost. */
  flush(withinMs: number): Promise<void> {
    if (this.#batch === null) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#clock.after(withinMs, () => {
        this.#giveUp()
        resolve()
      })
      this.#whenEmpty.push(() => {
        cancel()
        resolve()
      })
    })
  }

  #next(): void {
    if (this.#lost > 0) this.#tellLost()
    if (this.#lines.length === 0) {
      for (const empty of this.#whenEmpty.splice(0)) empty()
      return
    }
    let chars = 0
    let count = 0
    while (count < this.#lines.length && (count === 0 || chars < batchChars)) chars += this.#lines[count++]!.length + 1
    const lines = count === this.#lines.length ? this.#lines : this.#lines.slice(0, count)
    this.#lines = count === this.#lines.length ? [] : this.#lines.slice(count)
    this.#chars -= chars
    this.#batch = { bytes: Buffer.from(`${lines.join('\n')}\n`), lines: count, out: 0 }
    this.#send(this.#batch)
  }

  #send(batch: Batch): void {
    this.#destination.write(batch.bytes.subarray(batch.out), (error, written) => {
      if (error !== null) this.#failed(error, batch)
      else {
        this.#isStuck = false
        batch.out += written
        if (this.#isOver) return
        if (batch.out < batch.bytes.length) this.#send(batch)
        else {
          this.#batch = null
          this.#next()
        }
      }
    })
  }

  #failed(error: WriteError, batch: Batch): void {
    const { code = '', message } = error
    this.#why = code === 'EAGAIN' ? tooSlow : code || message
    if (this.#isOver) return
    if (isOver(error)) {
      this.#giveUp()
      for (const empty of this.#whenEmpty.splice(0)) empty()
      return
    }
    if (code !== 'EAGAIN' && !this.#isStuck) {
      this.#isStuck = true
      this.#onStuck(this.#why)
    }
    this.#clock.after(code === 'EAGAIN' ? fullPipeMs : failedMs, () => {
      if (!this.#isOver) this.#send(batch)
    })
  }

  /** Nothing more is written. */
  #giveUp(): void {
    this.#isOver = true
    this.#lost += (this.#batch?.lines ?? 0) + this.#lines.length
    this.#lines = []
    this.#chars = 0
    this.#batch = null
    if (this.#lost > 0) this.#tellLost()
  }

  #tellLost(): void {
    const count = this.#lost
    this.#lost = 0
    this.#toldAt = this.#clock.now()
    const why = this.#why
    this.#why = tooSlow
    this.#onLost(count, why)
  }
}
