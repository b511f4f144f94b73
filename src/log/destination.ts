/** Where lines go, such that no write holds up the process: not a full pipe, not a slow disk. */
import { close, constants, fstatSync, openSync, statSync, write } from 'node:fs'

export type WriteError = Pick<NodeJS.ErrnoException, 'code' | 'message'>

export interface Destination {
  /** One at a time. `written` may be less than there is. */
  write(bytes: Uint8Array, done: (error: WriteError | null, written: number) => void): void
}

export interface LogFile extends Destination {
  /** Nothing was in it when it was opened. */
  readonly isEmpty: boolean
  /**
   * Goes on with what has the name now: the old file may have been renamed. Throws where that can't
   * be opened.
   */
  reopen(): void
}

interface Handle extends Destination {
  close(): void
}

/** Deno's own files write beside the event loop; its `node:fs` waits in it. */
interface DenoFile {
  write(bytes: Uint8Array): Promise<number>
  close(): void
}
interface DenoFiles {
  readonly stdout: DenoFile
  readonly stderr: DenoFile
  openSync(path: string, options: { append: true; create: true; mode: number }): DenoFile
}
const deno = (globalThis as { readonly Deno?: DenoFiles }).Deno

/** Standard output (1) or standard error (2). */
export function standardStream(fd: 1 | 2): Destination {
  if (deno !== undefined) return denoHandle(fd === 1 ? deno.stdout : deno.stderr)
  return nodeHandle(withoutWaiting(fd))
}

/**
 * A pipe that is full holds up a thread of whoever writes to it, and Node's end waits for that
 * thread. Opened once more it can be told not to wait; whoever else writes to the pipe is not
 * affected.
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

/** Throws where it cannot be written to. The folder has to be there. */
export function appendedFile(path: string): LogFile {
  let file = opened(path)
  let isEmpty = statSync(path).size === 0
  let isWriting = false
  /** Has had another name since, and is being written to. */
  let old: Handle | null = null
  return {
    get isEmpty() {
      return isEmpty
    },
    write(bytes, done) {
      isWriting = true
      file.write(bytes, (error, written) => {
        isWriting = false
        old?.close()
        old = null
        done(error, written)
      })
    },
    reopen() {
      const fresh = opened(path)
      if (isWriting && old === null) old = file
      else file.close()
      file = fresh
      isEmpty = statSync(path).size === 0
    },
  }
}

/** Logs hold addresses of clients: not for everybody on the machine. */
const mode = 0o640

function opened(path: string): Handle {
  // To open one waits for its reader.
  if (statSync(path, { throwIfNoEntry: false })?.isFIFO()) throw new Error('it is a named pipe')
  if (deno !== undefined) return denoHandle(deno.openSync(path, { append: true, create: true, mode }))
  return nodeHandle(openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, mode))
}

const nodeHandle = (fd: number): Handle => ({
  write: (bytes, done) => write(fd, bytes, 0, bytes.length, null, (error, written) => done(error, written ?? 0)),
  close: () => close(fd, () => {}),
})

const denoHandle = (file: DenoFile): Handle => ({
  write: (bytes, done) =>
    void file.write(bytes).then(
      (written) => done(null, written),
      (error) => done(error, 0),
    ),
  close: () => file.close(),
})
