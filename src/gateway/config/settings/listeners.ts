/** The keys of a listener: where clients connect. */
import type * as v from 'valibot'
import { choice, networkList, path, portNumber, text, toggle } from '../kinds.ts'
import { object, some } from '../objects.ts'
import { required, schemasOf, setting, structure } from '../setting.ts'

const platform = { why: 'address, port and TLS are the platform’s; use the routes of the Worker' } as const

const certificateSettings = {
  cert: required(path('a path to a PEM file', 'file'), {
    flag: 'tlsCert',
    what: 'Certificate chain (PEM). With several certificates, the name that the client asks for (SNI) decides; the first one is for all others.',
    workers: platform,
  }),
  key: required(path('a path to a PEM file', 'file'), {
    flag: 'tlsKey',
    what: 'The private key of the certificate (PEM); with several, in the order of the certificates.',
    workers: platform,
  }),
} as const

const proxyProtocolSettings = {
  trust: required(networkList, {
    flag: 'proxyProtocol',
    what: 'Peers that announce their clients by PROXY protocol (v1 or v2); they must send its header.',
    workers: platform,
  }),
  others: setting(choice(['refuse', 'direct']), {
    default: 'refuse',
    what: 'Whether all other peers are refused, or served as the clients that they are.',
    workers: platform,
  }),
} as const

export const listenerSettings = {
  port: setting(portNumber(0), {
    default: 8080,
    flag: 'port',
    elseVariable: 'PORT',
    what: 'TCP port to listen on; 0 takes a free one.',
    workers: platform,
  }),
  host: setting(text({ value: 'address', accepted: 'an address or a host name' }), {
    unset: 'all interfaces',
    flag: 'host',
    what: 'Address to listen on.',
    workers: platform,
  }),
  unix: setting(path('a path'), {
    unset: 'TCP',
    flag: 'unix',
    what: 'Unix socket to listen on instead of a TCP port.',
    workers: platform,
  }),
  tls: setting(structure('one or a list of objects: cert, key', some(object(schemasOf(certificateSettings)))), {
    unset: 'no TLS',
    what: 'Certificates. With one, the listener speaks TLS only (1.2 and 1.3).',
    workers: platform,
    inside: { table: certificateSettings, flagsOf: 'each' },
  }),
  http2: setting(toggle, {
    default: false,
    flag: 'http2',
    what: 'HTTP/2 beside HTTP/1.1, by ALPN, on the runtime’s own server (Node only).',
    workers: platform,
  }),
  proxyProtocol: setting(structure('an object: trust, others', object(schemasOf(proxyProtocolSettings))), {
    unset: 'off',
    what: 'Whether peers announce their clients by PROXY protocol.',
    workers: platform,
    inside: { table: proxyProtocolSettings, flagsOf: 'first' },
  }),
} as const

export const listener = object(schemasOf(listenerSettings))
export type ListenFile = v.InferOutput<typeof listener>
export const defaultPort = listenerSettings.port.preset
