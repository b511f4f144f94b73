/**
 * A listening socket of this process's own that no runtime knows of: nothing accepts from it, so
 * that it can be handed to other processes, and its accept queue outlives each of them.
 */
import type { Address } from './layout.ts'
import * as c from './libc.ts'

/** Connections that may wait to be accepted; as Node and Bun ask for. */
const backlog = 511
/** struct sockaddr_un of linux/un.h. */
const longestPath = 107

export interface OpenListener {
  readonly fd: number
  /** Once: by the second call the number may be another's. */
  close(): void
}

export function closedOnce(libc: c.Libc, fd: number): OpenListener {
  let isOpen = true
  return {
    fd,
    close() {
      if (isOpen) libc.close(fd)
      isOpen = false
    },
  }
}

/**
 * `host`: an address, not a name. `isOneOfSeveral`: of sockets on one port, among which the kernel
 * shares out new connections. Throws an error with the system's code.
 */
export function openTcpListener(libc: c.Libc, { host, port }: Address, isOneOfSeveral = false): OpenListener {
  const isIpv6 = host.includes(':')
  const address = libc.allocate(28)
  address.view.setUint16(0, isIpv6 ? c.AF_INET6 : c.AF_INET, true)
  address.view.setUint16(2, port)
  address.bytes.set(isIpv6 ? ipv6Bytes(host) : host.split('.').map(Number), isIpv6 ? 8 : 4)
  return opened(libc, isIpv6 ? c.AF_INET6 : c.AF_INET, address, isIpv6 ? 28 : 16, isOneOfSeveral)
}

/** `path`: of a file, or with a NUL in front of Linux's abstract namespace. */
export function openUnixListener(libc: c.Libc, path: string): OpenListener {
  const bytes = new TextEncoder().encode(path)
  if (bytes.length > longestPath) throw failure('EINVAL')
  const address = libc.allocate(2 + longestPath + 1)
  address.view.setUint16(0, c.AF_UNIX, true)
  address.bytes.set(bytes, 2)
  // A name in the abstract namespace ends with the address, a path with its NUL.
  return opened(libc, c.AF_UNIX, address, 2 + bytes.length + (path.startsWith('\0') ? 0 : 1))
}

function opened(libc: c.Libc, family: number, address: c.Block, length: number, isOneOfSeveral = false): OpenListener {
  const fd = libc.socket(family, c.listenerType, 0)
  if (fd < 0) throw failure(nameOf(libc.errno()))
  const on = libc.allocate(4)
  const set = (level: number, name: number, value: number): void => {
    on.view.setInt32(0, value, true)
    libc.setsockopt(fd, level, name, on, 4)
  }
  if (family !== c.AF_UNIX) set(c.SOL_SOCKET, c.SO_REUSEADDR, 1)
  if (isOneOfSeveral) set(c.SOL_SOCKET, c.SO_REUSEPORT, 1)
  // Those of IPv6 take what comes by IPv4 as well.
  if (family === c.AF_INET6) set(c.IPPROTO_IPV6, c.IPV6_V6ONLY, 0)
  if (libc.bind(fd, address, length) !== 0 || libc.listen(fd, backlog) !== 0) {
    const name = nameOf(libc.errno())
    libc.close(fd)
    throw failure(name)
  }
  return closedOnce(libc, fd)
}

/** asm-generic/errno-base.h, errno.h */
const names: Readonly<Record<number, string>> = {
  2: 'ENOENT',
  13: 'EACCES',
  20: 'ENOTDIR',
  22: 'EINVAL',
  24: 'EMFILE',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
}

const nameOf = (errno: number): string => names[errno] ?? `errno ${errno}`

const failure = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'listen' })

/** The groups of a valid IPv6 address, by the parser of URLs. */
function ipv6Bytes(host: string): Uint8Array {
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const before = groups(head)
  const after = groups(tail ?? '')
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  return new Uint8Array(all.flatMap((group) => [group >> 8, group & 0xff]))
}
