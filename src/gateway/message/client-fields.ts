/**
 * What the gateway tells an upstream about the client: `Forwarded`, `X-Forwarded-*` and its own
 * `Via`.
 */
import { plainAddress } from '../../net/networks.ts'
import { hasField } from './field-kinds.ts'
import type { Asked } from './fields.ts'
import { byPair, chainsOf, forPair, forwardedPair } from './forwarded.ts'

/** Of the last request: most gateways have one name. */
let last = { host: '', secure: false, pseudonym: '', pairs: '', port: '' }
/**
 * The lines of the last request, and for whom: most requests of one moment come from few clients.
 */
let lastLines = { of: last, address: '', version: '', text: '' }

/** Whatever does not depend on the client. */
function remember({ host, secure }: Asked, pseudonym: string): void {
  if (host === last.host && secure === last.secure && pseudonym === last.pseudonym && last.pairs !== '') return
  const name = host === '' ? '' : `;${forwardedPair('host', host)}`
  const port = /:(\d+)$/.exec(host)?.[1] ?? (secure ? '443' : '80')
  const pairs = `${name};proto=${secure ? 'https' : 'http'};${byPair(pseudonym)}`
  last = { host, secure, pseudonym, pairs, port }
}

/** For a peer that is not trusted, as lines. */
export function clientLines(asked: Asked, pseudonym: string): string {
  remember(asked, pseudonym)
  const { host, secure, version } = asked
  if (lastLines.of === last && lastLines.address === asked.address && lastLines.version === version)
    return lastLines.text
  const address = plainAddress(asked.address)
  const chain = address === '' ? '' : `X-Forwarded-For: ${address}\r\n`
  const name = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`
  const text = `Via: ${version} ${pseudonym}\r\nForwarded: ${forPair(address)}${last.pairs}\r\n${chain}${name}X-Forwarded-Proto: ${
    secure ? 'https' : 'http'
  }\r\nX-Forwarded-Port: ${last.port}\r\n`
  lastLines = { of: last, address: asked.address, version, text }
  return text
}

export function pushForwarded(
  out: string[],
  asked: Asked,
  pseudonym: string,
  trusted: boolean,
  chained: boolean,
): void {
  remember(asked, pseudonym)
  const { host, secure } = asked
  const address = plainAddress(asked.address)
  const own = `${forPair(address)}${last.pairs}`
  if (trusted && chained) extend(out, asked, address, own)
  else {
    out.push('Forwarded', own)
    if (address !== '') out.push('X-Forwarded-For', address)
  }
  // A trusted hop was nearer to the client.
  if (host !== '' && !(trusted && hasField(out, 'x-forwarded-host'))) out.push('X-Forwarded-Host', host)
  if (!(trusted && hasField(out, 'x-forwarded-proto'))) out.push('X-Forwarded-Proto', secure ? 'https' : 'http')
  if (!(trusted && hasField(out, 'x-forwarded-port'))) out.push('X-Forwarded-Port', last.port)
}

/**
 * Appends the peer to the hops before it, in both forms. If they contradict each other,
 * `X-Forwarded-For` wins and `Forwarded` is made from it (RFC 7239 7.4): most proxies write the
 * first and pass a client's own `Forwarded` on.
 */
function extend(out: string[], asked: Asked, address: string, own: string): void {
  const { xff, forwarded, forwardedText } = chainsOf(asked.raw)
  const hops = xff ?? forwarded ?? []
  const agree = forwarded !== null && (xff === null || xff.join() === forwarded.join())
  const before = agree && forwardedText !== null ? forwardedText : hops.map(forPair).join(', ')
  out.push('Forwarded', before === '' ? own : `${before}, ${own}`)
  const chain = address === '' ? hops : [...hops, address]
  if (chain.length > 0) out.push('X-Forwarded-For', chain.join(', '))
}
