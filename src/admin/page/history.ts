/** How many connections were in which state over the last minutes: a ring of a fixed size. */
import type { ServerClock } from '../../lifecycle/clock.ts'
import type { State } from '../../lifecycle/states.ts'
import type { Administered } from '../routes.ts'

export interface Moment {
  /** Monotonic ms. */
  readonly at: number
  readonly states: Readonly<Partial<Record<State, number>>>
  /** Connections and requests since the start. */
  readonly opened: number
  readonly requests: number
}

const stepMs = 2_000
/** To count the connections of a large server costs at most this share of one core. */
const largestShare = 1 / 1_000

export const historyMs = 5 * 60_000
const longest = historyMs / stepMs

export class History {
  readonly #server: Administered
  readonly #clock: ServerClock
  readonly #moments: Moment[] = []
  #next = 0

  /** Counts until the server is closed. */
  constructor(server: Administered, clock: ServerClock) {
    this.#server = server
    this.#clock = clock
    this.#sample()
  }

  #sample(): void {
    const { refresh } = this.#server
    if (refresh === undefined) this.#note()
    else void refresh.call(this.#server, { connections: 0 }).then(() => this.#note())
  }

  #note(): void {
    const { observer, phase } = this.#server
    const at = this.#clock.now()
    const { states, requests } = this.#server.connections()
    this.#moments[this.#next] = { at, states, requests, opened: observer.openedCount }
    this.#next = (this.#next + 1) % longest
    if (phase === 'closed') return
    const costMs = this.#clock.now() - at
    this.#clock.after(Math.max(stepMs, costMs / largestShare), () => this.#sample())
  }

  /** The oldest first. */
  read(): Moment[] {
    const from = this.#moments.length < longest ? 0 : this.#next
    return [...this.#moments.slice(from), ...this.#moments.slice(0, from)]
  }
}
