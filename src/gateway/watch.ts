/** A watch over files: calls back once after any of them has changed. */
import { type FSWatcher, watch } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../lifecycle/clock.ts'

/** An editor and a renewal of certificates write several files in a row: one change. */
export const settleMs = 100

/**
 * Watches the folders, not the files: most writers replace a file (rename), and Kubernetes swaps a
 * symbolic link beside it. The files' inode, size and time say which has changed.
 */
export class FileWatch {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #onBlind: (folder: string, why: unknown) => void
  readonly #seen = new Map<string, string>()
  readonly #folders = new Map<string, FSWatcher>()
  #cancelLook = (): void => {}
  #closed = false

  /** `onBlind`: a folder can't be watched. */
  constructor(clock: Clock, onChange: () => void, onBlind: (folder: string, why: unknown) => void) {
    this.#clock = clock
    this.#onChange = onChange
    this.#onBlind = onBlind
  }

  /**
   * Watches these files from now on. A file that was watched before has changed if it differs from
   * the last `mark()`.
   */
  async follow(files: readonly string[]): Promise<void> {
    const folders = new Set<string>()
    for (const file of files) {
      folders.add(dirname(file))
      folders.add(dirname(await realpath(file).catch(() => file)))
      if (!this.#seen.has(file)) this.#seen.set(file, await numbersOf(file))
    }
    for (const file of this.#seen.keys()) if (!files.includes(file)) this.#seen.delete(file)
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#watch(folder)
  }

  /** Remembers the state of the files; call it before they are read. */
  async mark(): Promise<void> {
    for (const file of this.#seen.keys()) this.#seen.set(file, await numbersOf(file))
  }

  close(): void {
    this.#closed = true
    this.#cancelLook()
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #watch(folder: string): void {
    if (this.#closed) return
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#settle())
      watcher.on('error', (error) => {
        watcher.close()
        this.#folders.delete(folder)
        this.#onBlind(folder, error)
      })
      this.#folders.set(folder, watcher)
    } catch (error) {
      this.#onBlind(folder, error)
    }
  }

  #settle(): void {
    this.#cancelLook()
    if (!this.#closed) this.#cancelLook = this.#clock.after(settleMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    for (const [file, before] of this.#seen) {
      if ((await numbersOf(file)) === before) continue
      if (!this.#closed) this.#onChange()
      return
    }
  }
}

async function numbersOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch {
    return 'none'
  }
}
