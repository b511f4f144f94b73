/**
 * The network of a client, as coarse as one operator's: what is counted by client stays small, and
 * names no person.
 */

/** Of what `peerText` says. */
export function hostOf(peer: string): string {
  if (peer.startsWith('[')) return peer.slice(1, peer.indexOf(']'))
  const port = peer.lastIndexOf(':')
  return port === -1 ? peer : peer.slice(0, port)
}

/** /24; of IPv6 /48. What is no address is its own network. */
export function networkOf(host: string): string {
  if (/^\d+(\.\d+){3}$/.test(host)) return `${host.slice(0, host.lastIndexOf('.'))}.0/24`
  if (!host.includes(':')) return host
  const [address = ''] = host.split('%')
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // `::` stands for as many zeros as there is room for; an IPv4 tail takes the room of two groups.
  const room = after.at(-1)?.includes('.') === true ? 7 : 8
  const zeros = tail === undefined ? 0 : Math.max(0, room - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  const prefix = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16))
  while (prefix.at(-1) === '0') prefix.pop()
  return `${prefix.join(':')}::/48`
}
