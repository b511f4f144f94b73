/**
 * The kernel's table of TCP sockets as text: `/proc/net/tcp` and `/proc/net/tcp6`
 * (proc_net_tcp(5)).
 */

export interface TcpSocketLine {
  /** As the kernel writes it; `addressText` reads it. */
  readonly localAddress: string
  readonly localPort: number
  readonly remotePort: number
  readonly state: string
  /** Bytes that its owner has written and the other side has not acknowledged. */
  readonly unacknowledged: number
  /**
   * 0: no process holds it any more; what is left belongs to the kernel (TIME_WAIT, an orphan's
   * FIN_WAIT).
   */
  readonly inode: number
}

/** include/net/tcp_states.h */
const states = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
]

/**
 * `sl: local rem st tx:rx tr:tm retrnsmt uid timeout inode …`, numbers in hex but the last ones.
 */
const line =
  /^ *\d+: ([\dA-F]+):([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) ([\dA-F]{2}) ([\dA-F]+):\S+ \S+ \S+ +\d+ +\d+ (\d+)/gm

const fromHex = (digits: string): number => Number.parseInt(digits, 16)

/**
 * The kernel gives its table page by page, and where it changes in between a socket may stand in it
 * twice: it counts once.
 */
export function parseTcpTable(text: string): TcpSocketLine[] {
  const held = new Set<number>()
  const sockets: TcpSocketLine[] = []
  for (const [, address = '', port = '', remote = '', state = '', sent = '', inodeText] of text.matchAll(line)) {
    const inode = Number(inodeText)
    if (inode !== 0 && held.has(inode)) continue
    held.add(inode)
    sockets.push({
      localAddress: address,
      localPort: fromHex(port),
      remotePort: fromHex(remote),
      state: states[fromHex(state)] ?? state,
      unacknowledged: fromHex(sent),
      inode,
    })
  }
  return sockets
}

/** `0100007F` is 127.0.0.1; an IPv6 literal comes in brackets, as in a URL. */
export const addressText = (hex: string): string => (hex.length === 8 ? ipv4(hex) : ipv6(hex))

const bytesOf = (hex: string): number[] => (hex.match(/../g) ?? []).map(fromHex)

/** Words in the machine's own order, which is little-endian. */
const ipv4 = (hex: string): string => bytesOf(hex).reverse().join('.')

function ipv6(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const groups = words.flatMap((word) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytesOf(word).reverse()
    return [(a << 8) | b, (c << 8) | d]
  })
  return `[${groups.map((group) => group.toString(16)).join(':')}]`
}
