/**
 * The file of a Unix socket: it may be left over from a server that was killed, and goes when ours
 * stops. Neither a socket that somebody answers on nor anything but a socket is ever removed.
 */

import { lstatSync, rmSync } from 'node:fs'
import { lstat, open, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { deferred } from '../deferred.ts'
import type { ServerClock } from '../lifecycle/clock.ts'
import type { Listen, Listener } from './transport.ts'

/**
 * A server that is alive accepts at once; one whose accept queue is full does not say no either.
 */
const answersWithinMs = 1_000

/** A lock is held for milliseconds: this old, its owner was killed. */
const lockLastsMs = 10_000

/** `listen` with the care for the file that none of the runtimes takes. */
export function withSocketFile(listen: Listen, clock: ServerClock): Listen {
  return async (at, accept) => {
    if (at.unix === undefined || at.fd !== undefined || isAbstract(at.unix)) return listen(at, accept)
    const release = await makeWay(at.unix, clock)
    try {
      return removingFile(at.unix, await listen(at, accept))
    } finally {
      await release()
    }
  }
}

/** In Linux's abstract namespace a socket has no file. */
const isAbstract = (path: string): boolean => path.startsWith('\0')

const nothing = async (): Promise<void> => {}

/**
 * Removes the socket file at `path` if nobody answers on it; throws as `listen` would if it has to
 * stay. Until what it returns is called no other server does the same: it could take the file of
 * the one that listens next for the stale one.
 */
async function makeWay(path: string, clock: ServerClock): Promise<() => Promise<void>> {
  const found = await lstat(path).catch(nullIfMissing)
  if (found === null) return nothing
  if (!found.isSocket()) throw failure('ENOTSOCK', `${path} is not a socket`)
  const release = await lock(`${path}.lock`, clock.date())
  try {
    const refusal = await connectRefusal(path, clock)
    if (refusal === 'ECONNREFUSED') await unlink(path).catch(nullIfMissing)
    else if (refusal !== 'ENOENT') throw failure(refusal === 'EACCES' ? refusal : 'EADDRINUSE', `${path} is in use`)
    return release
  } catch (error) {
    await release()
    throw error
  }
}

async function lock(path: string, date: number): Promise<() => Promise<void>> {
  const held = await lstat(path).catch(nullIfMissing)
  if (held !== null && date - held.mtimeMs > lockLastsMs) await unlink(path).catch(nullIfMissing)
  try {
    await (await open(path, 'wx')).close()
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw failure('EADDRINUSE', `another server is starting: ${path} exists`)
    throw error
  }
  return async () => void (await unlink(path).catch(nullIfMissing))
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

function nullIfMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null
  throw error
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code })

/** Why nobody is there, as the system's code; null if somebody is. */
function connectRefusal(path: string, clock: ServerClock): Promise<string | null> {
  const { promise, resolve } = deferred<string | null>()
  const socket = connect(path)
  const cancel = clock.after(answersWithinMs, () => socket.destroy())
  socket.once('connect', () => socket.destroy())
  socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? null))
  socket.once('close', () => {
    cancel()
    resolve(null)
  })
  return promise
}

/** The listener, with the file removed when it stops, if that is still its own. */
function removingFile(path: string, listener: Listener): Listener {
  const inode = inodeAt(path)
  return {
    ...listener,
    stop() {
      // While the socket is open no other file can have its inode.
      if (inode !== null && inodeAt(path) === inode) rmSync(path, { force: true })
      listener.stop()
    },
  }
}

function inodeAt(path: string): string | null {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true })
    return `${dev} ${ino}`
  } catch {
    return null
  }
}
