import { eventsAtMost, type Kernel } from './kernel.ts'
import { type Address, TCP_ESTABLISHED, TCP_LISTEN } from './layout.ts'

/** A socket of the process, as a test makes it. */
export interface FakeSocket {
  readonly cookie: number
  readonly local: Address
  readonly remote: Address | null
  readonly establishedAt: number
  state: number
  sentAt: number
  receivedAt: number
  received: number
  acked: number
  unsent: number
  segmentsIn: number
  queued: number
  /** How our side of it was ended. */
  ended: 'fin' | 'half' | 'rst' | null
  said: string
  watchedAs: number | null
}

/**
 * Descriptors and sockets that a test moves; the runtime that owns them closes what was shut, as
 * soon as `reap` is called.
 */
export class FakeKernel implements Kernel {
  readonly sockets = new Map<number, FakeSocket>()
  aborts = 0
  opens = 0
  /** A request that comes just while its connection is being shut. */
  racing = 0
  /** Calls that cost time, for tests of how many there are. */
  calls = 0
  readonly #now: () => number
  #lastCookie = 0
  readonly #stirred = new Set<number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes the lowest free descriptor, as the kernel does. */
  accept(local: Address, remote: Address | null, fd = this.#free()): number {
    const now = this.#now()
    this.opens += 1
    this.#lastCookie += 1
    this.sockets.set(fd, {
      cookie: this.#lastCookie,
      local,
      remote,
      establishedAt: now,
      state: remote === null ? TCP_LISTEN : TCP_ESTABLISHED,
      sentAt: now,
      receivedAt: now,
      received: 0,
      acked: 0,
      unsent: 0,
      segmentsIn: 0,
      queued: 0,
      ended: null,
      said: '',
      watchedAs: null,
    })
    return fd
  }

  receive(fd: number, bytes: number): void {
    const socket = this.#at(fd)
    socket.received += bytes
    socket.receivedAt = this.#now()
    socket.segmentsIn += 1
    if (socket.watchedAs !== null) this.#stirred.add(socket.watchedAs)
  }

  /** `taken`: what the peer acknowledges at once. */
  send(fd: number, bytes: number, taken = bytes): void {
    const socket = this.#at(fd)
    socket.acked += taken
    socket.unsent += bytes - taken
    socket.sentAt = this.#now()
  }

  take(fd: number, bytes: number): void {
    const socket = this.#at(fd)
    socket.acked += bytes
    socket.unsent -= bytes
    socket.sentAt = this.#now()
  }

  close(fd?: number): void {
    if (fd !== undefined) this.sockets.delete(fd)
  }

  /** The runtime sees what was ended, and closes it. Returns how many that were. */
  reap(): number {
    const ended = [...this.sockets].filter(([, { ended }]) => ended !== null && ended !== 'half')
    for (const [fd] of ended) this.sockets.delete(fd)
    return ended.length
  }

  cookie(fd: number): number {
    this.calls += 1
    return this.sockets.get(fd)?.cookie ?? 0
  }

  local(fd: number): Address | null {
    return this.sockets.get(fd)?.local ?? null
  }

  remote(fd: number): Address | null {
    return this.sockets.get(fd)?.remote ?? null
  }

  look(fd: number, into: Parameters<Kernel['look']>[1]): boolean {
    this.calls += 1
    const socket = this.sockets.get(fd)
    if (socket === undefined) return false
    const { received, acked, unsent, segmentsIn, sentAt, receivedAt, state } = socket
    const now = this.#now()
    Object.assign(into, { state, received, acked, unsent, segmentsIn })
    into.sentAgoMs = now - sentAt
    into.receivedAgoMs = now - receivedAt
    return true
  }

  queued(fd: number): number {
    return this.sockets.get(fd)?.queued ?? -1
  }

  shut(fd: number): boolean {
    const socket = this.#at(fd)
    socket.ended = 'fin'
    socket.queued += this.racing
    this.racing = 0
    return true
  }

  finish(fd: number): boolean {
    this.#at(fd).ended = 'half'
    return true
  }

  reset(fd: number): boolean {
    this.#at(fd).ended = 'rst'
    return true
  }

  say(fd: number, text: string): boolean {
    this.#at(fd).said += text
    return true
  }

  count(): number {
    return this.sockets.size
  }

  list(): number[] {
    return [...this.sockets.keys()]
  }

  used(from: number, most: number): readonly number[] {
    return this.list()
      .filter((fd) => fd >= from && fd < from + most)
      .sort((a, b) => a - b)
  }

  lowestFree(): number {
    return this.#free()
  }

  limit() {
    return { soft: 4_096, hard: 4_096 }
  }

  watch(fd: number, id: number): boolean {
    this.#at(fd).watchedAs = id
    this.#stirred.add(id)
    return true
  }

  events(): readonly number[] {
    const ids = [...this.#stirred].slice(0, eventsAtMost)
    for (const id of ids) this.#stirred.delete(id)
    return ids
  }

  keepAlive(): boolean {
    return true
  }

  acceptSilent(): boolean {
    return true
  }

  sendAtOnce(): boolean {
    return true
  }

  vacate(fd: number): boolean {
    return this.sockets.delete(fd)
  }

  listen(): boolean {
    return true
  }

  passiveOpens(): number {
    return this.opens
  }

  abortsOnData(): number {
    return this.aborts
  }

  read(): null {
    return null
  }

  #free(): number {
    let fd = 3
    while (this.sockets.has(fd)) fd += 1
    return fd
  }

  #at(fd: number): FakeSocket {
    const socket = this.sockets.get(fd)
    if (socket === undefined) throw new Error(`no descriptor ${fd}`)
    return socket
  }
}
