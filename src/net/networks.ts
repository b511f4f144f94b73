/** Addresses, and networks of them: which peers are trusted. */

export type Trust = (address: string) => boolean

/**
 * Addresses whose result is remembered. Peers that come again are few; past the bound the memory is
 * cleared.
 */
const maxRemembered = 4096

/**
 * `list`: CIDR networks or single addresses, IPv4 and IPv6, and `unix:` for peers on a Unix socket,
 * which have no address. IPv4 and its IPv6 form (`::ffff:10.0.0.1`, RFC 4291 2.5.5.2) are the same.
 * Throws a `TypeError` that names a wrong entry.
 */
export function networks(list: readonly string[]): Trust {
  if (list.length === 0) return () => false
  const unix = list.includes('unix:')
  const nets = list.filter((entry) => entry !== 'unix:').map(networkOf)
  const remembered = new Map<string, boolean>()
  return (address) => {
    const known = remembered.get(address)
    if (known !== undefined) return known
    const bytes = addressOf(address)
    const trusted = bytes === null ? unix && address === '' : nets.some((net) => contains(net, bytes))
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(address, trusted)
    return trusted
  }
}

/**
 * The usual form: IPv4 as IPv4, a link-local address without its zone. '' stays: a peer on a Unix
 * socket has no address.
 */
export function plainAddress(address: string): string {
  if (address.indexOf(':') < 0) return address
  if (address.startsWith('::ffff:') && address.indexOf('.', 7) > 0) return address.slice(7)
  const zone = address.indexOf('%')
  return zone < 0 ? address : address.slice(0, zone)
}

interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

function networkOf(entry: string): Network {
  const slash = entry.indexOf('/')
  const text = slash < 0 ? entry : entry.slice(0, slash)
  const bytes = addressOf(text)
  if (bytes === null || text.includes('%')) throw new TypeError(`${JSON.stringify(entry)} is not a network: ${form}`)
  const inV4 = !text.includes(':')
  const width = inV4 ? 32 : 128
  const length = slash < 0 ? width : prefixLength(entry.slice(slash + 1))
  if (length > width) {
    throw new TypeError(`${JSON.stringify(entry)}: the prefix of ${inV4 ? 'IPv4' : 'IPv6'} is 0 to ${width} bits long`)
  }
  const bits = length + 128 - width
  const first = Uint8Array.from(bytes, (byte, at) => byte & maskAt(at, bits))
  if (first.some((byte, at) => byte !== bytes[at])) {
    // 10.1.2.3/8 may mean one machine or sixteen million.
    throw new TypeError(
      `${JSON.stringify(entry)} has bits behind its prefix: ${textOf(first, inV4)}/${length} or ${text}`,
    )
  }
  return { bytes, bits }
}

const form = '10.0.0.0/8, 192.0.2.7, 2001:db8::/32 or unix:'

function prefixLength(text: string): number {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}

/** The bits of byte `at` that belong to a prefix of `bits`. */
function maskAt(at: number, bits: number): number {
  const own = Math.min(Math.max(bits - at * 8, 0), 8)
  return (0xff00 >> own) & 0xff
}

function contains({ bytes, bits }: Network, address: Uint8Array): boolean {
  for (let at = 0; at * 8 < bits; at++) if (((bytes[at]! ^ address[at]!) & maskAt(at, bits)) !== 0) return false
  return true
}

/** Of 16 bytes; `inV4`: only the IPv4 address in them. */
export function textOf(bytes: Uint8Array, inV4: boolean): string {
  if (inV4) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/**
 * The 16 bytes of an address, IPv4 mapped into IPv6, without its zone (`%eth0`); null: not an
 * address.
 */
export function addressOf(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16)
  if (text.indexOf(':') < 0) {
    bytes[10] = 0xff
    bytes[11] = 0xff
    return readV4(text, bytes, 12) ? bytes : null
  }
  const zone = text.indexOf('%')
  const halves = (zone < 0 ? text : text.slice(0, zone)).split('::')
  if (halves.length > 2) return null
  const [head = '', tail] = halves
  const before = head === '' && tail !== undefined ? 0 : readGroups(head, bytes, 0, tail === undefined)
  if (tail === undefined) return before === 16 ? bytes : null
  const end = new Uint8Array(16)
  const after = tail === '' ? 0 : readGroups(tail, end, 0, true)
  // `::` stands for one group at least (RFC 4291 2.2).
  if (before < 0 || after < 0 || before + after > 14) return null
  bytes.set(end.subarray(0, after), 16 - after)
  return bytes
}

/** Returns how many bytes were read; -1: not groups. IPv4 may only be `last`. */
function readGroups(text: string, into: Uint8Array, at: number, last: boolean): number {
  const groups = text.split(':')
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!
    if (last && i === groups.length - 1 && group.includes('.')) {
      if (at > 12 || !readV4(group, into, at)) return -1
      return at + 4
    }
    if (at > 14 || !/^[0-9A-Fa-f]{1,4}$/.test(group)) return -1
    const value = Number.parseInt(group, 16)
    into[at++] = value >> 8
    into[at++] = value & 0xff
  }
  return at
}

/** Four decimal numbers. A leading zero is refused: some read it as octal (CVE-2021-29921). */
function readV4(text: string, into: Uint8Array, at: number): boolean {
  const parts = text.split('.')
  if (parts.length !== 4) return false
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return false
    into[at + i] = Number(part)
  }
  return true
}
