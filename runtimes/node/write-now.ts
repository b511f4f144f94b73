/**
 * A write that keeps nothing: what the kernel does not take at once is still the caller's. A stream
 * would hold on to the memory that it was given, and send what that has become by then.
 */
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { handleOf } from './reset.ts'

/** On a socket: bytes that went past its own count. */
const past = Symbol('bytes past the stream')
type Counted = Socket & { [past]?: number }

/** Of all that was written to `socket`, what its `bytesWritten` does not know of. */
export const bytesPast = (socket: Socket): number => (socket as Counted)[past] ?? 0

/**
 * Windows has no descriptors for sockets, and Deno shows none: there `node:fs`, 9 ms of a start, is
 * not loaded. Node before 20.16 can't load so.
 */
const hasDescriptors = process.platform !== 'win32' && !('Deno' in globalThis)
const writevSync = hasDescriptors ? process.getBuiltinModule?.('node:fs').writevSync : undefined

/** Not under TLS. */
export const writesNow = (socket: Socket): boolean => writevSync !== undefined && !('encrypted' in socket)

/**
 * `head`, which is latin1, and `body` into the kernel, in one system call. Returns how many bytes
 * it took; 0 where something else waits to be written. Of a socket that `writesNow`.
 */
export function writeNow(socket: Socket, head: string, body: Uint8Array): number {
  if (socket.writableLength > 0 || !socket.writable) return 0
  const fd = handleOf(socket)?.fd
  if (writevSync === undefined || fd === undefined || fd < 0) return 0
  let taken: number
  try {
    taken = writevSync(fd, [Buffer.from(head, 'latin1'), body])
  } catch {
    // Full, or broken: the stream waits for room, and hears what is wrong.
    return 0
  }
  const counted = socket as Counted
  counted[past] = (counted[past] ?? 0) + taken
  return taken
}
