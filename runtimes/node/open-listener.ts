/**
 * A listening socket that a process holds for its children, as `node:cluster` makes one: bound, and
 * accepting nothing.
 */
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { InheritedAddress } from '../../src/net/inherited.ts'
import type { HeldListener } from '../../src/serve/runtime.ts'

interface BoundHandle {
  readonly fd: number
  getsockname(into: { port?: number }): number
  close(): void
}

/**
 * Not documented, and what `node:cluster` itself calls. Returns the system’s error where there is
 * none.
 */
type CreateServerHandle = (
  address: string,
  port: number,
  family: 4 | 6 | -1,
  fd?: undefined,
  flags?: number,
) => BoundHandle | number

const make = (net as object as { readonly _createServerHandle?: CreateServerHandle })._createServerHandle

/** UV_TCP_REUSEPORT of libuv 1.49. */
const reusePort = 2

export async function openListener(
  at: InheritedAddress,
  isOneOfSeveral = false,
): Promise<HeldListener | { readonly why: string }> {
  if (process.platform === 'win32') return { why: 'Windows hands no sockets to a child process' }
  if (make === undefined) return { why: `Node ${process.version} has no net._createServerHandle` }
  if ('unix' in at) return { ...once(made(make(at.unix, -1, -1))), at }
  const handle = made(make(at.host, at.port, at.host.includes(':') ? 6 : 4, undefined, isOneOfSeveral ? reusePort : 0))
  const bound: { port?: number } = {}
  const error = handle.getsockname(bound)
  const listener = once(handle)
  const { port = 0 } = bound
  // That an address is in use libuv says when it listens, and until then it has bound nothing.
  if (error === 0 && port !== 0) return { ...listener, at: { ...at, port } }
  listener.close()
  throw failure('EADDRINUSE')
}

function made(handle: BoundHandle | number): BoundHandle {
  if (typeof handle === 'number') throw failure(getSystemErrorName(handle))
  return handle
}

const failure = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'listen' })

function once(handle: BoundHandle): Omit<HeldListener, 'at'> {
  let isOpen = true
  return {
    fd: handle.fd,
    close() {
      if (isOpen) handle.close()
      isOpen = false
    },
  }
}
