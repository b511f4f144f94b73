/**
 * How many descriptors the process may have, and has, where `/proc` can be read: Linux; on Deno
 * with all permissions.
 */
import type * as fs from 'node:fs'
import type { Descriptors } from '../src/lifecycle/descriptor-budget.ts'

/** What is asked of the file system. */
export interface Files {
  text(path: string): string
  /** How many entries a directory has. */
  entries(path: string): number
  size(path: string): number
}

export const filesOf = ({ readdirSync, readFileSync, statSync }: typeof fs): Files => ({
  text: (path) => readFileSync(path, 'utf8'),
  entries: (path) => readdirSync(path).length,
  size: (path) => statSync(path).size,
})

const directory = '/proc/self/fd'

/**
 * Null: they can't be told. Each runtime has raised its soft limit to the hard one by now. The files
 * are given, because `node:fs` is dear to load on Bun (2 ms) and on Deno (9).
 */
export function procDescriptors({ text, entries, size }: Files): Descriptors | null {
  // Of the directory its number of entries: proc_fd_getattr() of fs/proc/fd.c, since Linux 6.2;
  // before, 0.
  const used = () => size(directory)
  try {
    const soft = Number(/^Max open files +(\d+)/m.exec(text('/proc/self/limits'))?.[1])
    // `unlimited` is no number.
    if (!Number.isSafeInteger(soft)) return null
    // Reading the directory takes one itself.
    return { soft, atStart: entries(directory) - 1, used: used() > 0 ? used : () => null }
  } catch {
    return null
  }
}
