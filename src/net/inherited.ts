/** What a descriptor that this process has inherited listens on, as `/proc` says it (Linux). */
import { readFileSync, readlinkSync } from 'node:fs'
import { addressText, parseTcpTable } from '../kernel/tcp-table.ts'

/**
 * TCP: an address and a port; a Unix socket: a path, with a NUL in front in the abstract namespace.
 */
export type InheritedAddress = { readonly host: string; readonly port: number } | { readonly unix: string }

/** A text: why a server cannot accept on it. */
export function addressOfInherited(fd: number): InheritedAddress | string {
  let target: string
  try {
    target = readlinkSync(`/proc/self/fd/${fd}`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'no such descriptor is open' : `what it is cannot be told (${code})`
  }
  const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? []
  if (inode === undefined) return `not a socket but ${target}`
  return tcpAddress(Number(inode)) ?? unixAddress(inode) ?? 'not a TCP or Unix socket that listens'
}

function tcpAddress(inode: number): InheritedAddress | null {
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    const found = parseTcpTable(text(table)).find((socket) => socket.inode === inode && socket.state === 'LISTEN')
    if (found === undefined) continue
    // The parser of URLs writes an address in its shortest form.
    const host = new URL(`http://${addressText(found.localAddress)}`).hostname.replace(/^\[|\]$/g, '')
    return { host, port: found.localPort }
  }
  return null
}

/**
 * `Num RefCount Protocol Flags Type St Inode Path` of proc_net_unix(5); __SO_ACCEPTCON,
 * SOCK_STREAM.
 */
function unixAddress(inode: string): InheritedAddress | null {
  const line = new RegExp(`^\\S+ \\S+ \\S+ 00010000 0001 \\S+ +${inode}(?: (.*))?$`, 'm')
  const [found, path = ''] = line.exec(text('/proc/self/net/unix')) ?? []
  return found === undefined ? null : { unix: path.replace(/^@/, '\0') }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Without IPv6 there is no such table.
    return ''
  }
}
