/**
 * A network in memory: connections without sockets, the same bytes at the same moment for the same
 * seed. What is written arrives in order, in pieces and at turns that the random numbers choose.
 */
import type { Accept, Connect, ConnectTo, Listen, Peer, Transport, TransportEvents } from './transport.ts'

/** What a receiver that does not read lets its peer write. */
const windowBytes = 64 * 1024

type Delivery = Uint8Array | 'fin'

export class MemoryNetwork {
  readonly #random: () => number
  readonly #listeners = new Map<number, Accept>()
  readonly #holes = new Set<number>()
  readonly #ends = new Set<MemoryEnd>()
  #nextPort = 40_000
  #pumping = false
  #moves = 0

  /** `random`: [0, 1). */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Connections that are open on either side. */
  get open(): number {
    return new Set([...this.#ends].map((end) => end.id)).size
  }

  readonly listen: Listen = async ({ port }, accept) => {
    const at = port === 0 ? this.#nextPort++ : port
    this.#listeners.set(at, accept)
    return { port: at, host: '127.0.0.1', stop: () => void this.#listeners.delete(at) }
  }

  readonly connect: Connect = async ({ port }: ConnectTo, accept, signal) => {
    await Promise.resolve()
    signal.throwIfAborted()
    if (this.#holes.has(port))
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const theirs = this.#listeners.get(port)
    if (theirs === undefined) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    this.#join(accept, theirs, port)
  }

  /** A port where connections are neither accepted nor refused. */
  blackHole(port: number): void {
    this.#holes.add(port)
  }

  /** Resolves when nothing is on its way, and nothing has been for some turns of the event loop. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < 8; quiet++) {
      const before = this.#moves
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#moves !== before) quiet = 0
    }
  }

  #join(client: Accept, server: Accept, port: number): void {
    const id = this.#nextPort++
    const wake = () => this.#wake()
    const left = (end: MemoryEnd) => void this.#ends.delete(end)
    const one = new MemoryEnd(id, addressAt(port), addressAt(id), wake, left)
    const other = new MemoryEnd(id, addressAt(id), addressAt(port), wake, left)
    one.joined(other)
    other.joined(one)
    this.#ends.add(one).add(other)
    other.events = server(other)
    one.events = client(one)
  }

  #wake(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => this.#pump())
  }

  /** One delivery, and another turn for the next. */
  #pump(): void {
    this.#pumping = false
    const ready = [...this.#ends].filter((end) => end.ready)
    if (ready.length === 0) return
    this.#moves += 1
    ready[Math.floor(this.#random() * ready.length)]!.deliver(this.#random)
    this.#wake()
  }
}

const addressAt = (port: number): Peer => ({ address: '127.0.0.1', port, family: 'IPv4' })

class MemoryEnd implements Transport {
  /** All are copied; so that both ways are gone, only short ones may be lent. */
  readonly copiesBytes = 64
  readonly id: number
  readonly peer: Peer
  readonly local: Peer
  events: TransportEvents | null = null
  readonly #wake: () => void
  readonly #left: (end: MemoryEnd) => void
  #other: MemoryEnd | null = null
  readonly #inbox: Delivery[] = []
  #paused = false
  #ended = false
  #peerEnded = false
  #destroyed = false
  #gone = false
  /** A write found the peer's window full. */
  #blocked = false

  constructor(id: number, peer: Peer, local: Peer, wake: () => void, left: (end: MemoryEnd) => void) {
    this.id = id
    this.peer = peer
    this.local = local
    this.#wake = wake
    this.#left = left
  }

  joined(other: MemoryEnd): void {
    this.#other = other
  }

  get unsent(): number {
    return Math.max((this.#other?.waiting ?? 0) - windowBytes, 0)
  }

  get waiting(): number {
    return this.#inbox.reduce((sum, one) => sum + (one === 'fin' ? 0 : one.length), 0)
  }

  get quiet(): boolean {
    return !this.#peerEnded && !this.#gone && this.#inbox.length === 0
  }

  write(head: string, body: string | Uint8Array | null): boolean {
    if (this.#gone || this.#ended) return true
    const text = Buffer.from(head, 'latin1')
    const bytes = body === null ? text : Buffer.concat([text, typeof body === 'string' ? Buffer.from(body) : body])
    if (bytes.length > 0) this.#other!.#receive(bytes)
    this.#blocked = this.unsent > 0
    return !this.#blocked
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake()
  }

  end(): void {
    if (this.#ended || this.#gone) return
    this.#ended = true
    this.#other!.#receive('fin')
    this.#wake()
  }

  destroy(): void {
    this.end()
    this.#destroyed = true
    this.#wake()
  }

  reset(): void {
    this.#destroyed = true
    this.#other!.#destroyed = true
    this.#wake()
  }

  /** Whether something happens here without anybody's doing. */
  get ready(): boolean {
    if (this.#gone) return false
    return this.#destroyed || this.#isOver || (!this.#paused && this.#inbox.length > 0)
  }

  get #isOver(): boolean {
    return this.#ended && this.#peerEnded
  }

  deliver(random: () => number): void {
    if (this.#destroyed || this.#isOver) {
      this.#gone = true
      this.#left(this)
      this.events?.gone()
      return
    }
    const first = this.#inbox.shift()!
    if (first === 'fin') {
      this.#peerEnded = true
      this.events?.peerEnded()
      return
    }
    // A reader gets what there is, or a part of it.
    const length = random() < 0.5 ? first.length : 1 + Math.floor(random() * first.length)
    if (length < first.length) this.#inbox.unshift(first.subarray(length))
    // The memory is the next read's when the call is over.
    const view = Uint8Array.from(first.subarray(0, length))
    this.events?.feed(view)
    view.fill(0x21)
    this.#other!.#hasRoom()
  }

  #receive(delivery: Delivery): void {
    // Nobody reads any more: the answer to bytes is RST.
    if (this.#gone) this.#other!.#destroyed ||= delivery !== 'fin'
    else this.#inbox.push(delivery)
    this.#wake()
  }

  #hasRoom(): void {
    if (!this.#blocked || this.unsent > 0) return
    this.#blocked = false
    this.events?.drained()
  }
}

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
