/**
 * The variables that Kubernetes sets in every container for each Service of the namespace: for one
 * that is called `hangup` or `hangup-…` they begin as ours do, `HANGUP_PORT` among them.
 * kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */

import { variablePrefix } from '../policy/spelling.ts'
import type { Log } from '../serve/log.ts'

const service = `${variablePrefix}(?:[A-Z0-9_]+_)?`
const port = '\\d{1,5}'
const protocol = '(?:tcp|udp|sctp)'
const url = `${protocol}://.+:${port}`

/** Names with the values that they have, so that a mistyped variable of ours is still found out. */
const links: readonly (readonly [name: string, value: string])[] = [
  ['SERVICE_HOST', '.+'],
  ['SERVICE_PORT(?:_[A-Z0-9_]+)?', port],
  ['PORT', url],
  ['PORT_\\d+_(?:TCP|UDP|SCTP)', url],
  ['PORT_\\d+_(?:TCP|UDP|SCTP)_PROTO', protocol],
  ['PORT_\\d+_(?:TCP|UDP|SCTP)_PORT', port],
  ['PORT_\\d+_(?:TCP|UDP|SCTP)_ADDR', '.+'],
]

const patterns = links.map(([name, value]) => new RegExp(`^${service}${name}=${value}$`))

export const isServiceLink = (name: string, value: string): boolean =>
  name.startsWith(variablePrefix) && patterns.some((pattern) => pattern.test(`${name}=${value}`))

/** One line, if there are any. */
export function noteServiceLinks(env: Readonly<Record<string, unknown>>, log: Log): void {
  const names = Object.keys(env).filter((name) => typeof env[name] === 'string' && isServiceLink(name, env[name]))
  if (names.length === 0) return
  const shown = names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ')
  const message = `ignored ${shown}: Kubernetes sets them for a Service (enableServiceLinks: false turns them off)`
  log({ level: 'info', code: 'SERVICE_LINKS', message, count: 1 })
}
