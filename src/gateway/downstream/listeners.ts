/** The listeners of a configuration, checked against each other. */
import type { CertificatePem } from '../../net/transport.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'
import type { ClientLimits } from '../config/config.ts'
import { pathText, type ReadFile } from '../config/schema.ts'
import { settled } from '../config/setting.ts'
import { type ListenFile, listenerSettings } from '../config/settings/listeners.ts'
import type { Keys, Source } from '../config/source.ts'

/** One listener, resolved. */
export interface ListenerPlan {
  /** Its name in messages: `listen`, `listen[1]`, `redirectHttp`. */
  readonly name: string
  readonly port: number
  /** undefined: all interfaces. */
  readonly host: string | undefined
  readonly unix: string | undefined
  /** PEM text; the first is for clients that ask for none of their names. null: no TLS. */
  readonly certificates: readonly CertificatePem[] | null
  readonly http2: boolean
  /** Which engine speaks HTTP; HTTP/2 needs the runtime's own server. */
  readonly engine: 'hangup' | 'native'
  /**
   * Networks whose peers announce their clients, and what happens to all other peers; null: no peer
   * does.
   */
  readonly proxyProtocol: { readonly trust: readonly string[]; readonly others: 'refuse' | 'direct' } | null
}

const listenKeys = ({ listen }: ReadFile, index: number): Keys =>
  Array.isArray(listen) ? ['listen', index] : ['listen']

export async function listenersOf(file: ReadFile, source: Source): Promise<ListenerPlan[]> {
  const asked = (Array.isArray(file.listen) ? file.listen : [file.listen ?? {}]) as readonly ListenFile[]
  if (asked.length === 0) source.refuse(['listen'], '[]', 'it is empty', 'at least one listener')
  const listeners: ListenerPlan[] = []
  for (const [index, given] of asked.entries()) {
    const { port, host, unix, tls, http2, proxyProtocol } = settled(listenerSettings, given)
    const keys = listenKeys(file, index)
    if (http2 && tls === null)
      source.refuse([...keys, 'http2'], undefined, 'browsers speak HTTP/2 over TLS only', 'beside tls')
    const engine = http2 || file.engine === 'native' ? 'native' : 'hangup'
    if (http2 && file.engine === 'hangup') {
      source.refuse([...keys, 'http2'], undefined, 'the hangup engine speaks HTTP/1.1', 'beside engine auto or native')
    }
    if (engine === 'native' && proxyProtocol !== null) {
      const why = 'the runtime’s own server (HTTP/2, --engine native) can’t read the PROXY protocol'
      source.refuse([...keys, 'proxyProtocol', 'trust'], undefined, why, 'the hangup engine, without HTTP/2')
    }
    if (engine === 'native' && unix !== null) {
      source.refuse(
        [...keys, 'http2'],
        undefined,
        'the gateway does not listen on a Unix socket with the runtime’s own server',
        'a port',
      )
    }
    listeners.push({
      name: pathText(keys),
      port: unix === null ? port : 0,
      host: host ?? undefined,
      unix: unix === null ? undefined : source.locate([...keys, 'unix'], unix),
      certificates: tls === null ? null : await certificatesOf([...keys, 'tls'], tls, source),
      http2,
      engine,
      proxyProtocol:
        proxyProtocol === null ? null : { trust: proxyProtocol.trust, others: proxyProtocol.others ?? 'refuse' },
    })
  }
  if (file.redirectHttp !== undefined) {
    listeners.push({
      name: 'redirectHttp',
      port: file.redirectHttp,
      host: asked.find(({ tls }) => tls !== undefined)?.host,
      unix: undefined,
      certificates: null,
      http2: false,
      engine: 'hangup',
      proxyProtocol: null,
    })
  }
  const places = new Set<string>()
  for (const [index, { name, port, host = '', unix }] of listeners.entries()) {
    const place = unix ?? `${host} ${port}`
    if ((unix !== undefined || port !== 0) && places.has(place)) {
      const keys = name === 'redirectHttp' ? [name] : [...listenKeys(file, index), unix === undefined ? 'port' : 'unix']
      source.refuse(keys, unix ?? port, 'another listener already uses it')
    }
    places.add(place)
  }
  return listeners
}

async function certificatesOf(keys: Keys, given: unknown, source: Source): Promise<readonly CertificatePem[]> {
  // From flags, one of the two may be missing.
  const pairs = (Array.isArray(given) ? given : [given]) as readonly Partial<CertificatePem>[]
  if (pairs.length === 0) source.refuse(keys, '[]', 'it is empty', 'at least one certificate')
  const pems: CertificatePem[] = []
  let whole = pairs.length > 0
  for (const [index, { cert, key }] of pairs.entries()) {
    const at = Array.isArray(given) ? [...keys, index] : keys
    if (cert === undefined || key === undefined) {
      const lacks = cert === undefined ? 'tlsCert' : 'tlsKey'
      source.refuse([...at, cert === undefined ? 'key' : 'cert'], cert ?? key, `it needs ${flagOf(lacks)} beside it`)
      whole = false
      continue
    }
    const pem = {
      cert: await source.pem([...at, 'cert'], cert, 'certificate'),
      key: await source.pem([...at, 'key'], key, 'private key'),
    }
    if (pem.cert === '' || pem.key === '') {
      whole = false
      continue
    }
    try {
      source.files.certificates([pem])
      pems.push(pem)
    } catch (error) {
      source.refuse([...at, 'cert'], cert, (error as Error).message)
      whole = false
    }
  }
  if (whole) source.notes.push(...source.files.certificates(pems))
  return pems
}

export function redirectOf(
  file: ReadFile,
  listeners: readonly ListenerPlan[],
  secure: ListenerPlan | undefined,
  source: Source,
): number | null {
  const { redirectHttp, redirectToPort } = file
  if (redirectHttp === undefined) {
    if (redirectToPort !== undefined)
      source.refuse(['redirectToPort'], redirectToPort, 'nothing redirects', 'beside redirectHttp')
    return null
  }
  const plain = listeners.find(({ name, certificates }) => certificates === null && name !== 'redirectHttp')
  if (secure === undefined) source.refuse(['redirectHttp'], redirectHttp, 'no listener speaks TLS', 'beside tls')
  else if (plain !== undefined) {
    source.refuse(
      ['redirectHttp'],
      redirectHttp,
      `${plain.name} speaks plain HTTP too and would redirect everything`,
      'tls on every listener',
    )
  } else if (redirectToPort === undefined && secure.port === 0) {
    source.refuse(['redirectHttp'], redirectHttp, 'the TLS listener has no fixed port', 'beside redirectToPort')
  }
  return redirectToPort ?? secure?.port ?? null
}

/** Throws a `ConfigError` if a listener needs what this runtime's own server does not have. */
export function refuseUnspoken(
  listeners: readonly ListenerPlan[],
  clients: ClientLimits,
  { runtime, http2 }: { readonly runtime: string; readonly http2: boolean },
): void {
  if (http2) return
  const spoken = listeners.find((listener) => listener.http2)?.name
  if (spoken !== undefined) {
    const why = `${runtime} can’t hold the policy on HTTP/2`
    throw new ConfigError([problem(`${spoken}.http2 (--http2, HANGUP_HTTP2)`, true, why, 'Node, or HTTP/1.1')])
  }
  const uncounted = listeners.some(({ engine }) => engine === 'native')
  if (!uncounted || clients.maxConnections === 0) return
  const name = 'clients.maxConnections (--client-max-connections, HANGUP_CLIENT_MAX_CONNECTIONS)'
  const why = `the native engine on ${runtime} does not count the connections of a client`
  throw new ConfigError([problem(name, clients.maxConnections, why, 'the hangup engine, or Node')])
}
