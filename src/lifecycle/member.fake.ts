/** For tests: a member without a socket, which writes down what is done to it. */
import type { Connection } from './connection.ts'
import type { Member } from './connections.ts'
import type { Description } from './description.ts'
import type { Sample } from './limits.ts'

export const still: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }

export class FakeMember implements Member {
  readonly connection: Connection
  lookAt = 0
  parkedIn: Set<Member> | null = null
  spared: NonNullable<Member['spared']> = () => false
  readonly #act: (verb: string) => void
  readonly #sample: (now: number) => Sample

  /** `act`: told each verb that is called. */
  constructor(
    connection: Connection,
    act: (verb: string) => void = () => {},
    sample: (now: number) => Sample = () => still,
  ) {
    this.connection = connection
    this.#act = act
    this.#sample = sample
  }

  sample(now: number): Sample {
    return this.#sample(now)
  }
  refuseBody(_: unknown, now: number): boolean {
    this.#act('refuseBody')
    this.connection.refuseBody(now)
    return true
  }
  say(status: number, now: number): boolean {
    this.#act(`say ${status}`)
    this.connection.end('ended', now)
    return true
  }
  linger(forMs: number, now: number): void {
    this.#act('linger')
    this.connection.end('ended', now, forMs)
  }
  end(now: number): void {
    this.#act('end')
    this.connection.end('ended', now)
  }
  reset(now: number): void {
    this.#act('reset')
    this.connection.end('ended', now)
  }
  drop(): void {
    this.#act('drop')
  }
  cut(): void {
    this.#act('cut')
  }
  finishSoon(now: number): void {
    this.#act('finishSoon')
    this.connection.end('last', now)
  }
  describe(): Description {
    return { peer: '10.0.0.1:50000', received: 0, sent: 0, route: null }
  }
}
