/**
 * A server's listening sockets, and room for those that wait to be accepted once no descriptor is
 * left.
 */
import type { Kernel } from '../kernel/kernel.ts'
import { type Address, isAt } from '../kernel/layout.ts'
import type { Ledger } from '../kernel/ledger.ts'
import { probes, probingMs } from '../policy/held-by.ts'
import type { Policy } from '../policy/policy.ts'
import type { ReasonLog } from '../serve/prepare.ts'

/** Descriptors for whoever has waited to be accepted meanwhile. */
const roomFor = 16

export interface RoomOptions {
  readonly kernel: Kernel
  readonly ledger: Ledger
  readonly policy: Policy
  readonly log: ReasonLog
  readonly now: () => number
  /** Sees to it that every connection is known. */
  readonly walk: () => void
  readonly at: () => Address
}

export class Room {
  readonly #options: RoomOptions
  readonly #listeners = new Set<number>()

  constructor(options: RoomOptions) {
    this.#options = options
  }

  /** The scan has found a listening socket of this server. */
  found(fd: number): void {
    this.#listeners.add(fd)
    const { kernel, policy } = this.#options
    const { peerProbeMs, writeTimeoutMs } = policy
    if (peerProbeMs === 0) return
    const goneAfterMs = peerProbeMs + probingMs
    kernel.keepAlive(fd, {
      afterMs: peerProbeMs,
      ...probes,
      // It takes the place of the count of probes (tcp_keepalive_timer of net/ipv4/tcp_timer.c), so it is no longer than
      // they last; and it ends those whose window is zero, too, which is for `writeTimeoutMs` to say.
      userTimeoutMs: writeTimeoutMs !== 0 && goneAfterMs > writeTimeoutMs ? goneAfterMs : 0,
    })
  }

  shutListeners(): void {
    for (const fd of this.#takeListeners()) this.#options.kernel.shut(fd)
  }

  closeListeners(): void {
    for (const fd of this.#takeListeners()) this.#options.kernel.vacate(fd)
  }

  make(): void {
    const { ledger, now, walk } = this.#options
    walk()
    this.#say(ledger.connections.makeRoomFor(this.#wanted, now()))
  }

  turnAway(): void {
    const { ledger, now, walk } = this.#options
    walk()
    this.#say(ledger.connections.turnAway(this.#wanted, now()))
  }

  /** A few descriptors are free. */
  get isThere(): boolean {
    const { kernel } = this.#options
    return (kernel.lowestFree() ?? Number.POSITIVE_INFINITY) + roomFor <= kernel.limit().soft
  }

  get #wanted(): number {
    return this.#options.policy.reservedDescriptors || roomFor
  }

  /** One that has ended by itself is somebody else's descriptor by now. */
  #takeListeners(): number[] {
    const { kernel, at } = this.#options
    const found = [...this.#listeners].filter((fd) => {
      const local = kernel.local(fd)
      return local !== null && isAt(at(), local) && kernel.remote(fd) === null
    })
    this.#listeners.clear()
    return found
  }

  #say(freed: number): void {
    const message = `no descriptor was left to accept with: closed ${freed} connections that waited`
    this.#options.log.write({ level: 'warn', code: 'reservedDescriptors', message })
  }
}
