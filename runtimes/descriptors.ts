/**
 * How many descriptors the process may have, and has, where `/proc` can be read: Linux; on Deno
 * with all permissions.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Descriptors } from '../src/lifecycle/descriptor-budget.ts'

const directory = '/proc/self/fd'

/** Null: they can't be told. Each runtime has raised its soft limit to the hard one by now. */
export function procDescriptors(): Descriptors | null {
  try {
    const soft = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    // `unlimited` is no number.
    if (!Number.isSafeInteger(soft)) return null
    // Reading the directory takes one itself.
    return {
      soft,
      atStart: readdirSync(directory).length - 1,
      used: sizeOf(directory) > 0 ? () => sizeOf(directory) : () => null,
    }
  } catch {
    return null
  }
}

/**
 * Of this directory its number of entries: proc_fd_getattr() of fs/proc/fd.c, since Linux 6.2;
 * before, 0.
 */
const sizeOf = (path: string): number => statSync(path).size
