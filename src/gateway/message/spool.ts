/**
 * The spool holds messages that are too large for memory: files without a name in one folder, with
 * one limit over all of them. A disk that refuses is a typed error, never the end of the process.
 */

import { Buffer } from 'node:buffer'
import { statfsSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Coded } from '../../policy/codes.ts'
import { ConfigError, problem } from '../../policy/problems.ts'

/** What a spool needs of an open file; a `FileHandle` of `node:fs`. */
export interface SpoolHandle {
  writev(pieces: readonly Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  close(): Promise<void>
}

/** The spool has reached its limit, or the system refuses (`cause`: ENOSPC, EDQUOT, EMFILE, …). */
export class SpoolFullError extends Error implements Coded {
  override readonly name = 'SpoolFullError'
  readonly code = 'SPOOL_FULL'
}

export interface SpoolOptions {
  /** null: the system's folder for temporary files. */
  readonly dir: string | null
  /** Of all files together. */
  readonly maxBytes: number
}

export class Spool {
  readonly dir: string
  readonly maxBytes: number
  readonly #open: () => Promise<SpoolHandle>
  #usedBytes = 0

  constructor(
    { dir, maxBytes }: SpoolOptions,
    openFile: (dir: string) => Promise<SpoolHandle> = (folder) => openNameless(folder),
  ) {
    this.dir = dir ?? tmpdir()
    this.maxBytes = maxBytes
    this.#open = () => openFile(this.dir)
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Whether the folder is in memory, where the spool saves none. Only Linux tells. */
  get inMemory(): boolean {
    try {
      return memoryFileSystems.has(statfsSync(this.dir).type)
    } catch {
      return false
    }
  }

  /** Rejects if nothing can be spooled here. */
  async check(): Promise<void> {
    try {
      const handle = await this.#open()
      await handle.close()
    } catch (cause) {
      const why = `it cannot be written to (${(cause as Error).message})`
      throw new ConfigError([problem('spoolDir', this.dir, why, 'a folder that can be written to')], { cause })
    }
  }

  /** Made on the disk when something is written to it. */
  file(): SpoolFile {
    return new SpoolFile(this, this.#open)
  }

  /** Takes room; returns whether there was any. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.maxBytes) return false
    this.#usedBytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
  }
}

/** The file of one message: written at its end, read anywhere. */
export class SpoolFile {
  readonly #spool: Spool
  readonly #open: () => Promise<SpoolHandle>
  #handle: SpoolHandle | null = null
  #size = 0
  #takenBytes = 0
  #running = 0
  #closed = false

  constructor(spool: Spool, openFile: () => Promise<SpoolHandle>) {
    this.#spool = spool
    this.#open = openFile
  }

  /** Bytes that can be read. */
  get size(): number {
    return this.#size
  }

  /**
   * Writes all or nothing; one call at a time. Rejects with a `SpoolFullError`. The pieces must not
   * change meanwhile.
   */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    if (this.#closed) throw new SpoolFullError('the spool file is closed')
    if (!this.#spool.take(bytes))
      throw new SpoolFullError(`the spool is full: it holds up to ${this.#spool.maxBytes} bytes`)
    this.#takenBytes += bytes
    this.#running += 1
    try {
      this.#handle ??= await this.#open()
      await writeAll(this.#handle, pieces, this.#size)
      this.#size += bytes
    } catch (cause) {
      this.#takenBytes -= bytes
      this.#spool.give(bytes)
      throw new SpoolFullError(`the spool takes no more: ${(cause as Error).message}`, { cause })
    } finally {
      this.#done()
    }
  }

  /** At least one byte of what was written; up to `length`. */
  async read(position: number, length: number): Promise<Uint8Array> {
    if (this.#closed || this.#handle === null) throw new Error('the spool file is closed')
    const bytes = Buffer.allocUnsafeSlow(Math.min(length, this.#size - position))
    this.#running += 1
    try {
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, position)
      if (bytesRead === 0) throw new Error('a spool file is shorter than what was written to it')
      return bytesRead === bytes.length ? bytes : bytes.subarray(0, bytesRead)
    } finally {
      this.#done()
    }
  }

  /** Its room is free again once what is under way has ended. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#running === 0) this.#drop()
  }

  #done(): void {
    this.#running -= 1
    if (this.#closed && this.#running === 0) this.#drop()
  }

  #drop(): void {
    const handle = this.#handle
    const takenBytes = this.#takenBytes
    this.#handle = null
    this.#takenBytes = 0
    const free = () => this.#spool.give(takenBytes)
    if (handle === null) free()
    else handle.close().then(free, free)
  }
}

/** `statfs` of Linux (statfs(2)): tmpfs, ramfs. */
const memoryFileSystems = new Set([0x01021994, 0x858458f6])

/**
 * No other process can open it: it is new (O_EXCL), readable by its owner only, and has a name for
 * a moment, or until it is closed if the system keeps the name of an open file.
 */
export async function openNameless(
  dir: string,
  removeName: (path: string) => Promise<void> = unlink,
  unique: () => string = () => crypto.randomUUID(),
): Promise<SpoolHandle> {
  const path = join(dir, `hangup-${unique()}`)
  const file = await open(path, 'wx+', 0o600)
  try {
    await removeName(path)
    return file
  } catch {
    return {
      writev: (pieces, position) => file.writev(pieces, position),
      read: (into, offset, length, position) => file.read(into, offset, length, position),
      async close() {
        await file.close()
        await removeName(path)
      },
    }
  }
}

/** IOV_MAX is 1,024 on Linux and macOS. */
const maxPieces = 512

/** A disk that is nearly full takes a part first and fails at the next attempt. */
async function writeAll(handle: SpoolHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  let left = pieces
  let at = position
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left.slice(0, maxPieces), at)
    if (bytesWritten === 0) throw new Error('nothing was written')
    at += bytesWritten
    left = beyond(left, bytesWritten)
  }
}

function beyond(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let index = 0
  let skip = bytes
  for (let piece = pieces[0]; piece !== undefined && skip >= piece.length; piece = pieces[index]) {
    skip -= piece.length
    index += 1
  }
  const rest = pieces.slice(index)
  if (skip > 0) rest[0] = rest[0]!.subarray(skip)
  return rest
}
