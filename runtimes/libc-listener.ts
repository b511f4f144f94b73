/**
 * Listening sockets that a process holds for its children, made by the C library: the runtime knows
 * nothing of them.
 */
import { openKernel } from '../src/kernel/kernel.ts'
import type { Libc, Loaded } from '../src/kernel/libc.ts'
import { openTcpListener, openUnixListener } from '../src/kernel/open-listener.ts'
import type { InheritedAddress } from '../src/net/inherited.ts'
import type { HeldListener, ServeRuntime } from '../src/serve/runtime.ts'

export const libcListener =
  (load: () => Loaded | Promise<Loaded>): ServeRuntime['openListener'] =>
  async (at, isOneOfSeveral) => {
    const loaded = await load()
    return loaded.libc === null ? { why: loaded.why } : held(loaded.libc, at, isOneOfSeveral)
  }

function held(libc: Libc, at: InheritedAddress, isOneOfSeveral = false): HeldListener {
  if ('unix' in at) return { ...openUnixListener(libc, at.unix), at }
  const listener = openTcpListener(libc, at, isOneOfSeveral)
  const kernel = openKernel(libc)
  const { port } = kernel.local(listener.fd) ?? at
  kernel.close()
  return { ...listener, at: { ...at, port } }
}
