/** What a connection says of itself to whoever looks at connections one by one. */
export interface Description {
  /** Address and port; on a Unix socket, which has neither, `unix`. */
  readonly peer: string
  readonly received: number
  readonly sent: number
  /** Method and path of the request in flight; null: none, or not known. */
  readonly route: string | null
}

/** An IPv4 client of a socket for both families is shown as what it is. */
export function peerText(address: string | undefined, port: number | undefined): string {
  if (!address) return 'unix'
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}

const longestPath = 200

/** Without the query, which may hold secrets. */
export function routeOf(method: string, target: string): string {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  return `${method} ${path.length > longestPath ? `${path.slice(0, longestPath)}…` : path}`
}
