/** Where lines go, such that no write waits: a pipe whose reader stands still refuses it instead. */
import { constants, fstatSync, openSync, write } from 'node:fs'

export type WriteError = Pick<NodeJS.ErrnoException, 'code' | 'message'>

export interface Destination {
  /** One at a time. `written` may be less than there is. */
  write(bytes: Uint8Array, done: (error: WriteError | null, written: number) => void): void
}

/** Standard output (1) or standard error (2). */
export function standardStream(fd: 1 | 2): Destination {
  const own = withoutWaiting(fd)
  return {
    write: (bytes, done) => write(own, bytes, 0, bytes.length, null, (error, written) => done(error, written ?? 0)),
  }
}

/**
 * A pipe that is full holds up whoever writes to it, on Deno even the end of the process. Opened once more it can be
 * told not to; whoever else writes to the pipe is not affected.
 */
function withoutWaiting(fd: 1 | 2): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    // Not on Linux, or not ours to open.
    return fd
  }
}
