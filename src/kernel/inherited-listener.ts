/**
 * A listening socket that this process has inherited, put in the place of one that the runtime's
 * own server has opened: the runtime accepts from it, and knows no difference.
 *
 * dup2(2) exchanges the socket behind the runtime's descriptor. epoll forgets the old one with its
 * last descriptor, so what the runtime had told it, which `/proc/self/fdinfo` shows, is told again
 * of the new one.
 */
import type { Kernel } from './kernel.ts'
import { type Address, emptySnapshot, isAt, TCP_LISTEN } from './layout.ts'
import * as c from './libc.ts'

/** What an epoll instance of the process is to tell of a descriptor. */
interface Registration {
  readonly epoll: number
  readonly events: number
  /** What the runtime knows it by. */
  readonly data: bigint
}

interface Place {
  readonly fd: number
  readonly registrations: readonly Registration[]
}

export class InheritedListener {
  readonly #libc: c.Libc
  readonly #kernel: Kernel
  readonly #fd: number
  /** The latest: a runtime that has given up accepting opens a listener anew. */
  #place: Place | null = null

  /** From here on no child process inherits it, and nobody waits in a call of it. */
  constructor(libc: c.Libc, kernel: Kernel, fd: number) {
    this.#libc = libc
    this.#kernel = kernel
    this.#fd = fd
    libc.fcntl(fd, c.F_SETFD, c.FD_CLOEXEC)
    const flags = libc.fcntl(fd, c.F_GETFL, 0)
    if (flags >= 0) libc.fcntl(fd, c.F_SETFL, flags | c.O_NONBLOCK)
  }

  /**
   * `own`: where the runtime's server listens, which is over with this. Throws if it can't be done.
   */
  takePlaceOf(own: Address): void {
    const fd = this.#listenerAt(own)
    const registrations = this.#registrationsOf(fd)
    if (registrations.length === 0) throw new Error('no epoll instance of this process watches its listener')
    this.#place = { fd, registrations }
    if (this.#libc.dup2(this.#fd, fd) !== fd) throw new Error(`dup2 failed (errno ${this.#libc.errno()})`)
    this.#libc.fcntl(fd, c.F_SETFD, c.FD_CLOEXEC)
    for (const { epoll, events, data } of registrations) {
      // Two descriptors may be of one instance.
      if (this.#registrationIn(epoll, fd) !== null) continue
      if (!this.#control(c.EPOLL_CTL_ADD, epoll, fd, events, data)) {
        throw new Error(`epoll_ctl failed (errno ${this.#libc.errno()})`)
      }
    }
  }

  /**
   * The runtime accepts no more. The socket itself stays open where other processes have it, and so
   * would what epoll knows of it: that has to be taken back.
   */
  release(): void {
    const place = this.#place
    if (place === null) return
    this.#place = null
    // A runtime that has given up accepting has closed it, and its number may be a connection's by now.
    if (this.#kernel.cookie(place.fd) === this.#kernel.cookie(this.#fd)) {
      for (const { epoll } of place.registrations) this.#control(c.EPOLL_CTL_DEL, epoll, place.fd, 0, 0n)
      this.#kernel.vacate(place.fd)
    }
    this.#libc.close(this.#fd)
  }

  #listenerAt(own: Address): number {
    const snapshot = emptySnapshot()
    const found = this.#kernel.list().filter((fd) => {
      const local = this.#kernel.local(fd)
      return local !== null && isAt(own, local) && this.#kernel.look(fd, snapshot) && snapshot.state === TCP_LISTEN
    })
    const [fd] = found
    if (fd === undefined || found.length > 1)
      throw new Error(`its server has ${found.length} descriptors of its listener`)
    return fd
  }

  #registrationsOf(fd: number): Registration[] {
    return this.#kernel.list().flatMap((epoll) => this.#registrationIn(epoll, fd) ?? [])
  }

  /** proc_pid_fdinfo(5); null: it watches another set, or is no epoll instance. */
  #registrationIn(epoll: number, fd: number): Registration | null {
    const text = this.#kernel.read(`/proc/self/fdinfo/${epoll}`) ?? ''
    const [, events, data] = new RegExp(`^tfd: *${fd} events: *([\\da-f]+) data: *([\\da-f]+)`, 'm').exec(text) ?? []
    if (events === undefined) return null
    return { epoll, events: Number.parseInt(events, 16), data: BigInt(`0x${data}`) }
  }

  #control(operation: number, epoll: number, fd: number, events: number, data: bigint): boolean {
    const { size, data: at } = this.#libc.arch.epollEvent
    const event = this.#libc.allocate(size)
    event.view.setUint32(0, events, true)
    event.view.setBigUint64(at, data, true)
    return this.#libc.epollControl(epoll, operation, fd, event) === 0
  }
}
