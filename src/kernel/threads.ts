/**
 * Threads of one process that serve on one listener, each with a ledger of its own: who judges
 * which connection. All see the same descriptors; each knows only its own requests. What one has to
 * know of another stands in memory that they share, so that a thread whose event loop is blocked is
 * still understood.
 *
 * A connection is its thread's from the first request that is noted on; until then, and for all
 * that need no note, it is the first thread's to judge. That one hangs up on nobody whom another
 * thread may have a request of.
 */

/** Words of 64 bits, all zero at first. */
export const sharedWords = 2 ** 17
const magic = 0x68616e677570n
const most = 1_000
const perThread = 2
const word = {
  magic: 0,
  count: 1,
  first: 2,
  asked: 3,
  roomWanted: 4,
  over: 5,
  left: 6,
  status: 7,
  unclaimable: 8,
  threads: 16,
} as const
const claims = word.threads + (most + 1) * perThread
const slots = sharedWords - claims
/** A claim is in one of so many places: none is ever moved, so whoever looks needs no lock. */
const reach = 64
const idBits = 10n
const never = 2n ** 62n

export class Threads {
  readonly #words: BigInt64Array
  /**
   * Of the caller's clock: what to add for one that all threads agree on, such as
   * `performance.timeOrigin`.
   */
  readonly #origin: number
  readonly #id: number
  #asked = 0n
  #isOver = false
  #roomWanted: bigint

  /** Throws if the memory is somebody else's, or there are too many threads. */
  constructor(words: BigInt64Array, origin: number, now: number) {
    const was = Atomics.compareExchange(words, word.magic, 0n, magic)
    if (was !== 0n && was !== magic) throw new Error('the memory that threads are to share is in use')
    this.#words = words
    this.#origin = origin
    this.#id = Number(Atomics.add(words, word.count, 1n)) + 1
    if (this.#id > most) throw new Error(`there are more than ${most} threads`)
    Atomics.compareExchange(words, word.first, 0n, BigInt(this.#id))
    this.#roomWanted = Atomics.load(words, word.roomWanted)
    this.beat(now, 0)
  }

  get alone(): boolean {
    return Atomics.load(this.#words, word.count) === 1n
  }

  /** The one that judges whom nobody claims. */
  get isFirst(): boolean {
    return Atomics.load(this.#words, word.first) === BigInt(this.#id)
  }

  /** This thread has a request of the peer. */
  claim(peer: string): void {
    const words = this.#words
    const mine = this.#claimOf(peer)
    const key = mine >> idBits
    for (const at of places(key)) {
      // What another thread had under this name is gone: a connection never changes its thread.
      if (Atomics.load(words, at) >> idBits !== key) continue
      Atomics.store(words, at, mine)
      return
    }
    for (const at of places(key)) if (Atomics.compareExchange(words, at, 0n, mine) === 0n) return
    Atomics.add(words, word.unclaimable, 1n)
  }

  /** The peer's connection is gone. */
  release(peer: string): void {
    const mine = this.#claimOf(peer)
    for (const at of places(mine >> idBits)) if (Atomics.compareExchange(this.#words, at, mine, 0n) === mine) return
  }

  /** Whether the peer's connection is this thread's to judge. */
  isOurs(peer: string): boolean {
    if (this.alone) return true
    const owner = this.#ownerOf(peer)
    return owner === 0 ? this.isFirst : owner === this.#id
  }

  /** Claimed by this thread, so that no other can have a request of it. */
  isClaimed(peer: string): boolean {
    return this.#ownerOf(peer) === this.#id
  }

  /**
   * `notedUntil`: all requests that came before have been claimed, or answered. `open`: connections
   * among this thread's connections.
   */
  beat(notedUntil: number, open: number): void {
    const at = word.threads + this.#id * perThread
    Atomics.store(this.#words, at, BigInt(Math.floor(notedUntil + this.#origin)))
    Atomics.store(this.#words, at + 1, BigInt(open))
  }

  /** What all other threads have reached of that. */
  get notedUntil(): number {
    // More claims than there is room for: whoever is not claimed may be anybody's.
    if (Atomics.load(this.#words, word.unclaimable) > 0n) return Number.NEGATIVE_INFINITY
    let least = never
    for (const at of this.#others()) {
      const until = Atomics.load(this.#words, at)
      if (until < least) least = until
    }
    return Number(least) - this.#origin
  }

  get openElsewhere(): number {
    let open = 0
    for (const at of this.#others()) open += Number(Atomics.load(this.#words, at + 1))
    return open
  }

  /** All threads are to note what they have, however young. */
  ask(): void {
    Atomics.add(this.#words, word.asked, 1n)
  }

  /** Since this was asked last. */
  wasAsked(): boolean {
    const asked = Atomics.load(this.#words, word.asked)
    const isNew = asked !== this.#asked
    this.#asked = asked
    return isNew
  }

  /** A thread has no descriptor left, and the waiting connections are another thread's to close. */
  wantRoom(): void {
    this.#roomWanted = Atomics.add(this.#words, word.roomWanted, 1n) + 1n
  }

  /** By another thread, since this was asked last. */
  roomWanted(): boolean {
    const wanted = Atomics.load(this.#words, word.roomWanted)
    const isNew = wanted !== this.#roomWanted
    this.#roomWanted = wanted
    return isNew
  }

  /**
   * The listener, which is that of all, is about to be shut, and this thread has found all
   * connections that are its own.
   */
  stopAccepting(): void {
    if (this.#isOver) return
    this.#isOver = true
    Atomics.add(this.#words, word.over, 1n)
  }

  /** A thread has begun to end, and so the process. */
  get isOver(): boolean {
    return Atomics.load(this.#words, word.over) > 0n
  }

  /**
   * What the end of all waits for: the connections of other threads, and threads that have not
   * heard of it yet.
   */
  get leftElsewhere(): number {
    const unaware = Number(Atomics.load(this.#words, word.count) - Atomics.load(this.#words, word.over))
    return this.openElsewhere + Math.max(0, this.#isOver ? unaware : unaware - 1)
  }

  /** This thread keeps nobody waiting any more. */
  leave(): void {
    const at = word.threads + this.#id * perThread
    Atomics.store(this.#words, at, never)
    Atomics.store(this.#words, at + 1, 0n)
  }

  /**
   * Returns the process's exit status, the worst of all threads', if this thread is the last to
   * end.
   */
  end(status: number): number | null {
    for (;;) {
      const worst = Atomics.load(this.#words, word.status)
      if (BigInt(status) <= worst) break
      if (Atomics.compareExchange(this.#words, word.status, worst, BigInt(status)) === worst) break
    }
    const ended = Atomics.add(this.#words, word.left, 1n) + 1n
    return ended >= Atomics.load(this.#words, word.count) ? Number(Atomics.load(this.#words, word.status)) : null
  }

  *#others(): Generator<number> {
    const count = Math.min(Number(Atomics.load(this.#words, word.count)), most)
    for (let id = 1; id <= count; id++) if (id !== this.#id) yield word.threads + id * perThread
  }

  /** 0: nobody. */
  #ownerOf(peer: string): number {
    const key = keyOf(peer)
    for (const at of places(key)) {
      const found = Atomics.load(this.#words, at)
      if (found !== 0n && found >> idBits === key) return Number(found & ((1n << idBits) - 1n))
    }
    return 0
  }

  #claimOf(peer: string): bigint {
    return (keyOf(peer) << idBits) | BigInt(this.#id)
  }
}

function* places(key: bigint): Generator<number> {
  const from = Number(key % BigInt(slots))
  for (let step = 0; step < reach; step++) yield claims + ((from + step) % slots)
}

/**
 * 52 bits: two peers of ten thousand share one once in a hundred million. FNV-1a, twice from
 * different bases.
 */
function keyOf(peer: string): bigint {
  let a = 0x811c9dc5
  let b = 0x1b873593
  for (let index = 0; index < peer.length; index++) {
    const character = peer.charCodeAt(index)
    a = Math.imul(a ^ character, 0x01000193)
    b = Math.imul(b ^ character, 0x85ebca6b)
    b ^= b >>> 15
  }
  // Never 0: that is a free place.
  return (BigInt((a ^ (a >>> 13)) >>> 0) << 20n) | BigInt((b >>> 12) | 1)
}
