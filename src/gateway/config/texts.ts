/**
 * Values that a flag and a configuration file both write as text. A reader returns the value, or
 * what is wrong with it.
 */

import { networks } from '../../net/networks.ts'
import { didYouMean } from '../../policy/spelling.ts'
import type { BalanceBy } from './config.ts'

/** RFC 9110 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
export const isToken = (text: string): boolean => token.test(text)

export const hostHeaderAccepted = 'keep, upstream, a host'
export const isHostHeader = (text: string): boolean => /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i.test(text)

/** Not h2c: HTTP/2 in a tunnel would pass by every rule of the gateway (h2c smuggling). */
export const isUpgrade = (text: string): boolean => isToken(text.replace('/', '')) && !/^h2c?$/i.test(text)

export const bufferKinds = ['request', 'response', 'both', 'off'] as const
export const proxyProtocolKinds = ['off', 'v1', 'v2'] as const
const balanceKinds = ['round-robin', 'least-connections', 'two-choices'] as const
export const balanceAccepted = `${balanceKinds.join(', ')}, hash:address, hash:header:<name>, hash:cookie:<name>`

export function parseBalance(text: string): BalanceBy | string {
  const by = balanceKinds.find((kind) => kind === text)
  if (by !== undefined) return { by }
  const [hash, of = '', name = '', ...more] = text.split(':')
  if (hash !== 'hash' || more.length > 0) {
    return `${text} is not a way to balance${didYouMean(text, [...balanceKinds, 'hash:address'])}`
  }
  if (of === 'address') return name === '' ? { by: 'hash', of, name } : `${text}: an address has no name`
  if (of !== 'header' && of !== 'cookie') return `${text}: unknown hash; known: address, header, cookie`
  if (!isToken(name))
    return `${text}: ${name === '' ? `the name of the ${of} is missing` : `${name} is not the name of a ${of}`}`
  return { by: 'hash', of, name: of === 'header' ? name.toLowerCase() : name }
}

export const balanceText = (balance: BalanceBy): string =>
  balance.by === 'hash' ? ['hash', balance.of, balance.name].filter((part) => part !== '').join(':') : balance.by

/** What the URL of an upstream says, and the parameters that follow it after `;`. */
export interface UpstreamText {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly unix: string | null
  readonly secure: boolean
  readonly weight: number
  readonly proxyProtocol: (typeof proxyProtocolKinds)[number]
}

export const upstreamAccepted =
  'http://host:port, https://host:port or unix:/path, then ;weight=3 or ;proxy-protocol=v2 if wanted'

export function parseUpstream(text: string): UpstreamText | string {
  const [url = '', ...params] = text.trim().split(';')
  let weight = 1
  let proxyProtocol: UpstreamText['proxyProtocol'] = 'off'
  for (const param of params) {
    const [name, value = ''] = param.trim().split('=')
    if (name === 'weight') {
      if (!isWeight(Number(value)) || value === '') return `${value || '""'} is not a weight`
      weight = Number(value)
    } else if (name === 'proxy-protocol') {
      const kind = proxyProtocolKinds.find((known) => known === value)
      if (kind === undefined) return `${value || '""'} is not a version of the PROXY protocol`
      proxyProtocol = kind
    } else return `unknown parameter ${param}${didYouMean(name ?? '', ['weight', 'proxy-protocol'])}`
  }
  const more = { weight, proxyProtocol }
  if (/^unix:/i.test(url)) {
    const path = url.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    return path.startsWith('/') && path.length > 1
      ? { url: `unix:${path}`, host: 'localhost', port: 0, unix: path, secure: false, ...more }
      : `${url} does not have an absolute path`
  }
  if (!/^https?:\/\//i.test(url)) {
    const scheme = /^([a-z][a-z+.-]*):\/\//i.exec(url)?.[1]
    return scheme === undefined ? `${url} has no scheme` : `the gateway does not speak ${scheme} to upstreams`
  }
  if (!URL.canParse(url)) return `${url} is not a URL`
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url)
  if (username !== '' || password !== '') return 'it holds a user or password, which the gateway would not send'
  if (pathname !== '/' || search !== '' || hash !== '')
    return 'it goes on after host and port; use the rewrite of a route for a path'
  const secure = protocol === 'https:'
  const portNumber = port === '' ? (secure ? 443 : 80) : Number(port)
  if (portNumber === 0) return 'nothing listens on port 0'
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return { url: url.replace(/\/$/, ''), host, port: portNumber, unix: null, secure, ...more }
}

/** As in HAProxy: a round of the balancer is as long as the sum of all weights. */
export const maxWeight = 256
export const isWeight = (value: number): boolean => Number.isSafeInteger(value) && value >= 1 && value <= maxWeight

export const networksAccepted = 'addresses and networks (10.0.0.0/8, ::1), unix: for peers on a Unix socket'

export function networkProblem(text: string): string | null {
  try {
    networks([text])
    return null
  } catch (error) {
    return (error as TypeError).message
  }
}

/**
 * `received-by` of `Via` (RFC 9110 7.6.3), which `Forwarded: by=_…` takes as well (RFC 7239 6.3).
 */
export const isPseudonym = (text: string): boolean => /^[A-Za-z\d._-]+$/.test(text)

export function hstsProblem(text: string): string | null {
  const names = text.split(';').map((directive) => directive.trim().toLowerCase())
  const wrong = names.find((directive) => !/^(max-age=("\d+"|\d+)|includesubdomains|preload)$/.test(directive))
  if (wrong !== undefined) return `${wrong || 'an empty part'} is not a directive of Strict-Transport-Security`
  return names.some((directive) => directive.startsWith('max-age=')) ? null : 'max-age is missing'
}
