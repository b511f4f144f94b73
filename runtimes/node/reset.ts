/** RST: a client's where Node does not tell of it, and our own. */
import type { Socket } from 'node:net'

/** The parts of a libuv stream handle that there is no public way to see. */
export interface TcpHandle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
  getpeername?(out: object): number
  /** On Node. */
  readonly fd?: number
  /** On Deno: of a duplicate that it makes. */
  fdForIpc?(): number
}

/**
 * A duplicate of the socket's descriptor, made by `dup`, or by Deno, which shows no descriptor; -1:
 * there is none.
 */
export function duplicateOf(tcp: Socket, dup: (fd: number) => number): number {
  const handle = handleOf(tcp)
  if (handle?.fd !== undefined) return handle.fd < 0 ? -1 : dup(handle.fd)
  return handle?.fdForIpc?.() ?? -1
}

export const handleOf = (tcp: Socket): TcpHandle | null =>
  (tcp as Socket & { readonly _handle?: TcpHandle | null })._handle ?? null

/**
 * An RST is seen by whoever reads; while nobody does (the client has ended its side, or the
 * application takes nothing of a body) it is asked for so often.
 */
export const askResetEveryMs = 500

/**
 * Whether the kernel has no connection behind the socket any more. The kernel says so once: under
 * TLS it may be the write of a session ticket that hears of it, which tells nobody, and the read
 * after it sees an ordinary end.
 */
export function isReset(tcp: Socket): boolean {
  const handle = handleOf(tcp)
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}

/**
 * Ends it by RST. libuv refuses that while a FIN waits to be sent, and Node then loses the
 * descriptor for ever: such a connection is closed without. `speaking` is what asks for the FIN:
 * the socket itself, or the TLS socket on it.
 */
export function resetTcp(tcp: Socket, speaking: Socket = tcp): void {
  if (tcp.destroyed) return
  const { writableEnded, writableFinished, writableLength } = speaking
  if (writableEnded && !writableFinished && writableLength === 0) tcp.destroy()
  else tcp.resetAndDestroy()
}
