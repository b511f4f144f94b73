import type { UpstreamConfig } from '../config/config.ts'

/** An upstream's `Host`: without the default port of its scheme. */
export function authorityOf({ host, port, tls, unix }: UpstreamConfig): string {
  if (unix !== null) return 'localhost'
  const name = host.includes(':') ? `[${host}]` : host
  return port === (tls === null ? 80 : 443) ? name : `${name}:${port}`
}
