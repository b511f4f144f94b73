/** The listeners of a configuration, checked against each other. */
import type { CertificatePem } from '../../net/transport.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'
import type { ClientLimits } from '../config/config.ts'
import { defaultPort, type ListenFile, pathText, type ReadFile } from '../config/schema.ts'
import type { Keys, Source } from '../config/source.ts'

/** What a listener shows and asks. */
export interface ListenerPlan {
  /** As it is called in messages: `listen`, `listen[1]`, `redirectHttp`. */
  readonly name: string
  readonly port: number
  /** undefined: all interfaces. */
  readonly host: string | undefined
  readonly unix: string | undefined
  /** PEM text; the first is shown to who asks for none of their names. null: no TLS. */
  readonly certificates: readonly CertificatePem[] | null
  readonly http2: boolean
  /** What speaks HTTP: HTTP/2 is the runtime's own server's. */
  readonly engine: 'hangup' | 'native'
  /** Networks whose peers announce their clients, and what becomes of all others; null: nobody announces any. */
  readonly proxyProtocol: { readonly trust: readonly string[]; readonly others: 'refuse' | 'direct' } | null
}

const listenKeys = ({ listen }: ReadFile, index: number): Keys =>
  Array.isArray(listen) ? ['listen', index] : ['listen']

export async function listenersOf(file: ReadFile, source: Source): Promise<ListenerPlan[]> {
  const asked = (Array.isArray(file.listen) ? file.listen : [file.listen ?? {}]) as readonly ListenFile[]
  if (asked.length === 0) source.refuse(['listen'], '[]', 'it is empty', 'at least one listener')
  const listeners: ListenerPlan[] = []
  for (const [index, { port = defaultPort, host, unix, tls, http2 = false, proxyProtocol }] of asked.entries()) {
    const keys = listenKeys(file, index)
    if (http2 && tls === undefined)
      source.refuse([...keys, 'http2'], undefined, 'browsers speak it over TLS only', 'beside tls')
    const engine = http2 || file.engine === 'native' ? 'native' : 'hangup'
    if (http2 && file.engine === 'hangup') {
      source.refuse([...keys, 'http2'], undefined, 'the hangup engine speaks HTTP/1.1', 'beside engine auto or native')
    }
    if (engine === 'native' && proxyProtocol !== undefined) {
      const why = 'the runtime’s own server (HTTP/2, --engine native) can’t read it'
      source.refuse([...keys, 'proxyProtocol', 'trust'], undefined, why, 'the hangup engine, without HTTP/2')
    }
    if (engine === 'native' && unix !== undefined) {
      source.refuse(
        [...keys, 'http2'],
        undefined,
        'the runtime’s own server does not listen on a Unix socket here',
        'a port',
      )
    }
    listeners.push({
      name: pathText(keys),
      port: unix === undefined ? port : 0,
      host,
      unix: unix === undefined ? undefined : source.locate([...keys, 'unix'], unix),
      certificates: tls === undefined ? null : await certificatesOf([...keys, 'tls'], tls, source),
      http2,
      engine,
      proxyProtocol:
        proxyProtocol === undefined ? null : { trust: proxyProtocol.trust, others: proxyProtocol.others ?? 'refuse' },
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
      source.refuse(keys, unix ?? port, 'another listener has it')
    }
    places.add(place)
  }
  return listeners
}

async function certificatesOf(keys: Keys, given: unknown, source: Source): Promise<readonly CertificatePem[]> {
  const pairs = (Array.isArray(given) ? given : [given]) as readonly { cert: string; key: string }[]
  if (pairs.length === 0) source.refuse(keys, '[]', 'it is empty', 'at least one certificate')
  const pems: CertificatePem[] = []
  let whole = pairs.length > 0
  for (const [index, { cert, key }] of pairs.entries()) {
    const at = Array.isArray(given) ? [...keys, index] : keys
    if (key === '') {
      source.refuse(at, cert, `it needs ${flagOf('tlsKey')} beside it`)
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
      source.refuse(at, cert, (error as Error).message)
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
      source.refuse(['redirectToPort'], redirectToPort, 'nothing is redirected', 'beside redirectHttp')
    return null
  }
  const plain = listeners.find(({ name, certificates }) => certificates === null && name !== 'redirectHttp')
  if (secure === undefined)
    source.refuse(['redirectHttp'], redirectHttp, 'there is no TLS to redirect to', 'beside tls')
  else if (plain !== undefined) {
    source.refuse(
      ['redirectHttp'],
      redirectHttp,
      `${plain.name} speaks plain HTTP as well and would redirect everything`,
      'tls on every listener',
    )
  } else if (redirectToPort === undefined && secure.port === 0) {
    source.refuse(['redirectHttp'], redirectHttp, 'the TLS listener has no fixed port', 'beside redirectToPort')
  }
  return redirectToPort ?? secure?.port ?? null
}

/** Throws a `ConfigError` where a listener is to speak, or to hold, what this runtime's server does not. */
export function refuseUnspoken(
  listeners: readonly ListenerPlan[],
  clients: ClientLimits,
  { runtime, http2 }: { readonly runtime: string; readonly http2: boolean },
): void {
  if (http2) return
  const spoken = listeners.find((listener) => listener.http2)?.name
  if (spoken !== undefined) {
    const why = `the policy can’t be held on HTTP/2 on ${runtime}`
    throw new ConfigError([problem(`${spoken}.http2 (--http2, HANGUP_HTTP2)`, true, why, 'Node, or HTTP/1.1')])
  }
  const uncounted = listeners.some(({ engine }) => engine === 'native')
  if (!uncounted || clients.maxConnections === 0) return
  const name = 'clients.maxConnections (--client-max-connections, HANGUP_CLIENT_MAX_CONNECTIONS)'
  const why = `the native engine on ${runtime} does not show what its clients have open`
  throw new ConfigError([problem(name, clients.maxConnections, why, 'the hangup engine, or Node')])
}
