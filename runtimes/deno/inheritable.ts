/**
 * Listening sockets for the children of a Deno process. Handed over among the descriptors of
 * `stdio` Deno makes them wait in accept(2), for every process that has them (2.9.6), and whoever
 * loses the race for a connection would stand still. But its children have what is not closed on
 * exec.
 */
import { F_DUPFD, F_SETFD, FD_CLOEXEC } from '../../src/kernel/libc.ts'
import { closedOnce } from '../../src/kernel/open-listener.ts'
import type { HeldDescriptor } from '../../src/serve/runtime.ts'
import { loadLibc } from './libc.ts'

/** Below are standard input, output, error and the channel of a child. */
const least = 10

/** A duplicate that each child from now on has, by the same number. */
export function inheritable(fd: number): HeldDescriptor {
  const { libc } = loadLibc()
  const duplicate = libc?.fcntl(fd, F_DUPFD, least) ?? -1
  if (libc === null || duplicate < 0) throw new Error(`descriptor ${fd} cannot be duplicated`)
  return closedOnce(libc, duplicate)
}

/** In the child: its own children are not to have it. */
export function keepFromChildren(fd: number): void {
  loadLibc().libc?.fcntl(fd, F_SETFD, FD_CLOEXEC)
}

/** In the child: what another one accepts on. */
export function forget(fds: readonly number[]): void {
  for (const fd of fds) loadLibc().libc?.close(fd)
}
