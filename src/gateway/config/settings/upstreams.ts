/** The keys of an upstream that is written as an object. */
import * as v from 'valibot'
import { choice, path, text, toggle, whole } from '../kinds.ts'
import { object, some } from '../objects.ts'
import { required, schemasOf, setting, structure } from '../setting.ts'
import {
  isWeight,
  maxWeight,
  parseUpstream,
  proxyProtocolKinds,
  type UpstreamText,
  upstreamAccepted,
} from '../texts.ts'

const url = text<UpstreamText>({ value: 'url', accepted: upstreamAccepted }, (given, refuse) => {
  const read = parseUpstream(given)
  return typeof read === 'string' ? refuse(read) : read
})

const certificates = { why: 'the platform checks the certificates of upstreams itself' } as const

export const upstreamSettings = {
  url: required(url, { what: 'Its address.', workers: 'held' }),
  weight: setting(whole(`a whole number, 1 to ${maxWeight}`, isWeight), {
    default: 1,
    what: 'Its share of the requests, in proportion to the others’.',
    workers: 'held',
  }),
  proxyProtocol: setting(choice(proxyProtocolKinds), {
    default: 'off',
    what: 'Announces the client by PROXY protocol, on a connection that serves this client alone.',
    workers: { why: 'fetch announces nobody; Forwarded says who the client is', only: 'off' },
  }),
  servername: setting(text({ accepted: 'a host name' }), {
    unset: 'the host of the URL',
    what: 'The name for SNI and in the certificate.',
    workers: certificates,
  }),
  ca: setting(path('a path to a PEM file'), {
    unset: 'the well-known ones',
    what: 'Certificates to trust (PEM).',
    workers: certificates,
  }),
  cert: setting(path('a path to a PEM file'), {
    unset: 'none',
    what: 'The gateway’s own certificate (PEM), for an upstream that asks for one.',
    workers: certificates,
  }),
  key: setting(path('a path to a PEM file'), {
    unset: 'none',
    what: 'The private key of `cert` (PEM).',
    workers: certificates,
  }),
  verify: setting(toggle, {
    default: true,
    what: 'Whether the certificate of an https:// upstream must be valid.',
    workers: { ...certificates, only: true },
  }),
} as const

const upstreamObject = object(schemasOf(upstreamSettings))
export type UpstreamFile = v.InferOutput<typeof upstreamObject>

/**
 * An interface, because a compiler that writes declarations names those, and spells out everything
 * else at each use.
 */
export interface UpstreamSchema
  extends v.GenericSchema<
    v.InferInput<typeof upstreamObject | typeof url.schema>,
    v.InferOutput<typeof upstreamObject | typeof url.schema>
  > {}

const upstream: UpstreamSchema = v.lazy((input): typeof upstreamObject | typeof url.schema =>
  typeof input === 'object' && input !== null ? upstreamObject : url.schema,
)

/** One or a list of them: URLs, or objects. */
export const upstreams = structure(
  'one or a list of them: each a URL as above, or an object, see Upstreams',
  some(upstream),
  {
    value: 'url',
    accepted: upstreamAccepted,
    repeats: true,
    read: (lines, refuse) => lines.split('\n').map((line) => url.asFlag!.read(line, refuse)),
  },
)
