/**
 * How many descriptors the process may have, and has, where `/proc` can be read: Linux; on Deno
 * with all permissions.
 */
import type * as fs from 'node:fs'
import type { Descriptors } from '../src/lifecycle/descriptor-budget.ts'

const directory = '/proc/self/fd'

/**
 * Null: they can't be told. Each runtime has raised its soft limit to the hard one by now. The file
 * system is given: where only an administered server asks, Bun and Deno do not load it before.
 */
export function procDescriptors({ readdirSync, readFileSync, statSync }: typeof fs): Descriptors | null {
  // Of the directory its number of entries: proc_fd_getattr() of fs/proc/fd.c, since Linux 6.2;
  // before, 0.
  const entries = () => statSync(directory).size
  try {
    const soft = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    // `unlimited` is no number.
    if (!Number.isSafeInteger(soft)) return null
    // Reading the directory takes one itself.
    return {
      soft,
      atStart: readdirSync(directory).length - 1,
      used: entries() > 0 ? entries : () => null,
    }
  } catch {
    return null
  }
}
