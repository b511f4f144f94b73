/** The last moves of one connection and how it ended, kept without an object for each move. */
import type { EndingEvent, Event } from './states.ts'

/** `left`: the client has ended its side, which changes no state. */
export type Mark = Event | EndingEvent | 'bodyRefused' | 'left'

/** What each move is called in a trail; a place in this list is its code. */
const marks = [
  'secured',
  'bytes',
  'request',
  'requestWithBody',
  'bodyEnd',
  'begun',
  'blocked',
  'flowing',
  'answered',
  'upgrade',
  'last',
  'ended',
  'gone',
  'bodyRefused',
  'left',
] as const satisfies readonly Mark[]

const codes = Object.fromEntries(marks.map((mark, code) => [mark, code])) as Readonly<Record<Mark, number>>

/** Moves that are kept of one connection: the last so many. */
const trailLength = 32
/** Most connections that are idle have made fewer: 170 bytes less of each on Node, 200 on Deno. */
const firstLength = 8
const codeSize = 16

export interface TrailMove {
  readonly mark: Mark
  /** Since the connection was opened. */
  readonly atMs: number
}

export class Trail {
  /** Time in units of 0.1 ms and code, in one number. */
  #moves = new Float64Array(firstLength)
  #count = 0

  note(mark: Mark, sinceOpenMs: number): void {
    if (this.#count === firstLength) this.#lengthen()
    this.#moves[this.#count % trailLength] = Math.round(sinceOpenMs * 10) * codeSize + codes[mark]
    this.#count += 1
  }

  #lengthen(): void {
    const moves = new Float64Array(trailLength)
    moves.set(this.#moves)
    this.#moves = moves
  }

  /** How many moves there were before those that are kept. */
  get lost(): number {
    return Math.max(this.#count - trailLength, 0)
  }

  read(): TrailMove[] {
    const moves: TrailMove[] = []
    for (let at = this.lost; at < this.#count; at++) {
      const move = this.#moves[at % trailLength]!
      moves.push({ mark: marks[move % codeSize]!, atMs: Math.floor(move / codeSize) / 10 })
    }
    return moves
  }
}
