/** Whether a process is there, by its number. */
import { readFileSync } from 'node:fs'
import process from 'node:process'

/** A zombie has ended, whether or not its parent has asked. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    // Another user's process may not be signalled, and is there; without /proc the signal alone has
    // told.
    const { code, syscall } = error as NodeJS.ErrnoException
    return code === 'EPERM' || (syscall === 'open' && code !== 'ENOENT')
  }
}
