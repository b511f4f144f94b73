/**
 * What a configuration file may say: `hangup.config.ts` (the default export) or `hangup.config.json`. Flags are brought into
 * the same shape. Here each value is read by itself; how they fit together is `resolve.ts`.
 */
import * as v from 'valibot'
import { option } from '../../policy/option.ts'
import { optionNames, optionSpecs, policySchema } from '../../policy/policy.ts'
import { presetNames } from '../../policy/presets.ts'
import { type Problem, problem } from '../../policy/problems.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { engineChoices } from '../../serve/choose-engine.ts'
import { isPrefix } from '../message/target.ts'
import {
  amounts,
  asKey,
  choice,
  described,
  type KeySpec,
  key,
  kindOf,
  listOf,
  object,
  record,
  some,
  text,
  texts,
  whole,
  yesOrNo,
} from './keys.ts'
import { isSetIn, type Scope, upstreamOptionNames, upstreamOptionSpecs, upstreamSchema } from './options.ts'
import {
  balanceAccepted,
  bufferKinds,
  hostHeaderAccepted,
  hstsProblem,
  isHostHeader,
  isPseudonym,
  isToken,
  isUpgrade,
  isWeight,
  maxWeight,
  networkProblem,
  networksAccepted,
  parseBalance,
  parseUpstream,
  proxyProtocolKinds,
  upstreamAccepted,
} from './texts.ts'

const upstreamAmounts = (place: Scope) =>
  amounts(
    upstreamSchema.entries,
    upstreamOptionNames.filter((name) => isSetIn(name, place)),
  )

const file = (what: string, preset = 'none') =>
  text({ what, default: preset, accepted: 'a path, relative to this file' })

// Upstreams.

const upstreamUrl = text({ what: 'Where it is.', default: 'none', accepted: upstreamAccepted }, (given, refuse) => {
  const read = parseUpstream(given)
  return typeof read === 'string' ? refuse(read) : read
})

export const upstreamEntries = {
  url: upstreamUrl,
  weight: v.optional(
    whole(
      {
        what: 'Its share of the requests against the others’.',
        default: '1',
        accepted: `a whole number, 1 to ${maxWeight}`,
      },
      isWeight,
    ),
  ),
  proxyProtocol: v.optional(
    choice(proxyProtocolKinds, {
      what: 'Announces the client by PROXY protocol, on a connection for this client alone.',
      default: 'off',
    }),
  ),
  servername: v.optional(
    text({
      what: 'For SNI and for the name in the certificate.',
      default: 'the host of the URL',
      accepted: 'a host name',
    }),
  ),
  ca: v.optional(file('Certificates (PEM) to trust instead of the well-known ones.')),
  cert: v.optional(file('The gateway’s own certificate (PEM), for upstreams that ask for one.')),
  key: v.optional(file('Its private key (PEM).')),
  verify: v.optional(
    yesOrNo({ what: 'Whether the certificate of an https:// upstream has to be valid.', default: 'true' }),
  ),
} as const
const upstreamObject = object(upstreamEntries)
export type UpstreamFile = v.InferOutput<typeof upstreamObject>
const upstream = v.lazy((input): typeof upstreamObject | typeof upstreamUrl =>
  typeof input === 'object' && input !== null ? upstreamObject : upstreamUrl,
)

const ofChecks = (kind: 'count' | 'duration', preset: number, what: string, why: string, source: string) =>
  option({ kind, default: preset, off: false, what, resets: '–', peerSees: '–', why, source })

export const checkAmounts = {
  intervalMs: ofChecks(
    'duration',
    10_000,
    'Between two checks of one upstream, give or take 10 %.',
    'Soon enough for a deployment that rolls, too rare to be a load.',
    'Kubernetes periodSeconds 10',
  ),
  timeoutMs: ofChecks(
    'duration',
    2_000,
    'How long one may take.',
    'A page that is made for checks answers at once.',
    'HAProxy inter 2s; Kubernetes timeoutSeconds 1',
  ),
  unhealthyAfter: ofChecks(
    'count',
    3,
    'Failed checks in a row until it is down.',
    'One lost packet is no outage.',
    'Kubernetes failureThreshold 3, HAProxy fall 3',
  ),
  healthyAfter: ofChecks(
    'count',
    2,
    'Good checks in a row until it is up again.',
    'What has just started may not stay.',
    'HAProxy rise 2',
  ),
} as const

const requestPath = (spec: KeySpec) =>
  text(spec, (given, refuse) =>
    !/^\/[!-~]*$/.test(given) || /[?#]/.test(given)
      ? refuse(`${given} is no path`)
      : isPrefix(given)
        ? given
        : refuse(`${given} can be read in more than one way: it has .., //, ; or a backslash`),
  )

export const checkEntries = {
  path: text(
    { what: 'What is asked for; 200 to 399 is healthy.', default: 'none', accepted: 'a path: /healthz' },
    (given, refuse) => (/^\/[!-~]*$/.test(given) && !given.includes('#') ? given : refuse(`${given} is no path`)),
  ),
  ...amounts(checkAmounts, Object.keys(checkAmounts) as (keyof typeof checkAmounts)[]),
} as const

const balance = text(
  { what: 'Which upstream gets the next request.', default: 'round-robin', accepted: balanceAccepted },
  (given, refuse) => {
    const read = parseBalance(given)
    return typeof read === 'string' ? refuse(read) : read
  },
)

const ofGroups = {
  balance: v.optional(balance),
  check: v.optional(
    described(
      {
        what: 'Asks each upstream whether it is well.',
        default: 'no active checks',
        accepted: 'an object, see Checks',
      },
      object(checkEntries),
    ),
  ),
} as const

const upstreams: KeySpec = {
  what: 'Its upstreams.',
  default: 'none',
  accepted: 'one or a list of them: each a URL as above, or an object, see Upstreams',
}

export const groupEntries = {
  to: described(upstreams, some(upstream)),
  ...ofGroups,
  ...upstreamAmounts('group'),
} as const
const groupObject = object(groupEntries)
export type GroupFile = v.InferOutput<typeof groupObject>
/** A group that is nothing but its upstreams is written as those. */
const groupShort = some(upstream)
const group = v.lazy((input): typeof groupObject | typeof groupShort =>
  typeof input === 'object' && input !== null && !Array.isArray(input) && !('url' in input) ? groupObject : groupShort,
)

// Routes.

/** Set by what frames a message, or by the gateway for each connection: RFC 9110 7.6.1, RFC 9112 6. */
const ownFields = new Set(
  'connection content-length host keep-alive proxy-connection te trailer transfer-encoding upgrade via'.split(' '),
)

const fieldProblem = (name: string): string | null => {
  if (!isToken(name)) return `${JSON.stringify(name)} is no field name`
  if (name.toLowerCase() === 'host') return 'Host is set by hostHeader'
  return ownFields.has(name.toLowerCase()) ? `${name} is the gateway’s own to set` : null
}

export const changeEntries = {
  set: v.optional(
    key<Readonly<Record<string, string>>, readonly string[]>(
      {
        what: 'Fields that take the place of all of their name.',
        default: 'none',
        accepted: 'an object of names and values',
      },
      (given, refuse) => {
        if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`it is ${kindOf(given)}`)
        return Object.entries(given).flatMap(([name, value]) => {
          const why = fieldProblem(name)
          if (why !== null) return refuse(why)
          // RFC 9110 5.5.
          if (typeof value !== 'string' || !/^([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(value)) {
            return refuse(`${name}: ${JSON.stringify(value)} is no field value`)
          }
          return [name, value]
        })
      },
    ),
  ),
  remove: v.optional(
    texts({ what: 'Fields that are not passed on.', default: 'none', accepted: 'field names' }, fieldProblem, (name) =>
      name.toLowerCase(),
    ),
  ),
} as const

const ofRoutes = {
  buffer: v.optional(
    choice(bufferKinds, {
      what: 'Which messages are taken in whole before the slower side sees them: memory first, then the spool.',
      default: 'both',
    }),
  ),
  hostHeader: v.optional(
    text(
      {
        what: 'The Host that upstreams see: the client’s (keep), the upstream’s own address (upstream), or this one.',
        default: 'keep',
        accepted: hostHeaderAccepted,
      },
      (given, refuse) => (isHostHeader(given) ? given : refuse(`${given} is no host`)),
    ),
  ),
  upgrades: v.optional(
    texts(
      {
        what: 'Protocols of `Upgrade` that are let through.',
        default: '["websocket"]',
        accepted: 'names of protocols; [] for none',
      },
      (name) => (isUpgrade(name) ? null : `${name} is no protocol that can be tunnelled`),
      (name) => name.toLowerCase(),
    ),
  ),
  underscores: v.optional(
    yesOrNo({
      what: 'Field names with _ are passed on; to CGI and WSGI they are the same as those with -.',
      default: 'false',
    }),
  ),
  compress: v.optional(yesOrNo({ what: 'Answers are compressed for clients that accept it.', default: 'false' })),
  errorPages: v.optional(
    key<Readonly<Record<string, string>>, Readonly<Record<string, string>>>(
      {
        what: 'HTML files for the gateway’s own answers, by status or class.',
        default: 'none',
        accepted: 'an object of statuses (502) or classes (5xx) and paths, relative to this file',
      },
      (given, refuse) => {
        if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`it is ${kindOf(given)}`)
        for (const [status, path] of Object.entries(given)) {
          if (!/^[45](\d\d|xx)$/.test(status)) return refuse(`${status} is no status of an error`)
          if (typeof path !== 'string' || path === '') return refuse(`${status}: ${JSON.stringify(path)} is no path`)
        }
        return given as Record<string, string>
      },
    ),
  ),
} as const

export const routeEntries = {
  host: v.optional(
    text(
      { what: 'Host names that it serves.', default: 'every host', accepted: 'a name, or *.example.com' },
      (given, refuse) =>
        /^(\*\.)?[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$|^\[?[\da-f:.]+\]?$/i.test(given)
          ? given.toLowerCase()
          : refuse(`${given} is no host${/:\d+$/.test(given) ? '; a port does not belong to it' : ''}`),
    ),
  ),
  path: v.optional(
    requestPath({ what: 'Paths that it serves: this one and those below.', default: '/', accepted: 'a path: /api' }),
  ),
  methods: v.optional(
    texts(
      { what: 'Methods that it serves.', default: 'every method', accepted: 'methods: ["GET", "HEAD"]' },
      (name) => (isToken(name) ? null : `${name} is no method`),
      (name) => name.toUpperCase(),
    ),
  ),
  to: text({ what: 'The group that answers.', default: 'none', accepted: 'the name of a group' }),
  strip: v.optional(yesOrNo({ what: 'Its path is cut off before the request goes on.', default: 'false' })),
  rewrite: v.optional(
    requestPath({ what: 'What takes the place of its path.', default: 'the path as it came', accepted: 'a path: /v2' }),
  ),
  request: v.optional(
    described(
      { what: 'Changes to the fields of requests.', default: 'none', accepted: 'an object: set, remove' },
      object(changeEntries),
    ),
  ),
  response: v.optional(
    described(
      { what: 'Changes to the fields of answers.', default: 'none', accepted: 'an object: set, remove' },
      object(changeEntries),
    ),
  ),
  maxBodyBytes: v.optional(
    described(
      {
        what: 'The size of a request body.',
        default: 'that of the connection policy',
        accepted: 'a size with a unit (64kb, 1mb), up to that',
      },
      asKey(policySchema.entries.maxBodyBytes),
    ),
  ),
  ...ofRoutes,
  ...upstreamAmounts('route'),
} as const
const route = object(routeEntries)
export type RouteFile = v.InferOutput<typeof route>

// The front.

export const certificateEntries = {
  cert: file('Certificate chain (PEM); its names say for whom it is shown (SNI), the first of the list to all others.'),
  key: file('Private key (PEM).'),
} as const

const trusted = (what: string) => texts({ what, default: 'none', accepted: networksAccepted }, networkProblem)

const portNumber = (what: string, preset: string, least: 0 | 1) =>
  whole(
    { what, default: preset, accepted: `a port number, ${least} to 65535` },
    (value) => Number.isInteger(value) && value >= least && value < 65_536,
  )

export const defaultPort = 8080

export const proxyProtocolEntries = {
  trust: trusted('Peers that announce their clients by PROXY protocol (v1 or v2); from them the header is required.'),
  others: v.optional(
    choice(['refuse', 'direct'], {
      what: 'All other peers are refused, or served as the clients they are.',
      default: 'refuse',
    }),
  ),
} as const

export const listenEntries = {
  port: v.optional(portNumber('TCP port; 0 takes a free one.', String(defaultPort), 0)),
  host: v.optional(text({ what: 'Address.', default: 'all interfaces', accepted: 'an address or a host name' })),
  unix: v.optional(text({ what: 'Unix socket instead of a TCP port.', default: 'TCP', accepted: 'a path' })),
  tls: v.optional(
    described(
      {
        what: 'Certificates; with one, the listener speaks TLS only (1.2 and 1.3).',
        default: 'no TLS',
        accepted: 'one or a list of objects: cert, key',
      },
      some(object(certificateEntries)),
    ),
  ),
  http2: v.optional(
    yesOrNo({
      what: 'HTTP/2 beside HTTP/1.1, by ALPN; this listener is the runtime’s own server then (Node only).',
      default: 'false',
    }),
  ),
  proxyProtocol: v.optional(
    described(
      { what: 'Peers announce their clients by PROXY protocol.', default: 'off', accepted: 'an object: trust, others' },
      object(proxyProtocolEntries),
    ),
  ),
} as const
const listener = object(listenEntries)
export type ListenFile = v.InferOutput<typeof listener>

export const clientAmounts = {
  maxConnections: option({
    kind: 'count',
    default: 0,
    off: true,
    what: 'Connections of one client address at once (IPv6: of one /64), counted from accept on. One too many: 503, or closed after a second of silence. On HTTP/2 each request under way counts as one, as in nginx.',
    resets: '–',
    peerSees: '503 and close',
    why: 'Whole offices and mobile networks share an address.',
    source: 'nginx limit_conn (off)',
  }),
  requestsPerSec: option({
    kind: 'count',
    default: 0,
    off: true,
    what: 'Requests a second of one client address.',
    resets: '–',
    peerSees: '429 with `Retry-After`',
    why: 'The same.',
    source: 'nginx limit_req (off); RFC 6585 4 (429)',
  }),
  burst: option({
    kind: 'count',
    default: 'derived',
    off: true,
    what: 'Requests that may come at once after a pause. Derived: those of one second.',
    resets: '–',
    peerSees: '429 with `Retry-After`',
    why: 'A page is many requests.',
    source: 'nginx limit_req burst',
  }),
} as const

export const clientEntries = amounts(clientAmounts, Object.keys(clientAmounts) as (keyof typeof clientAmounts)[])

export const fileEntries = {
  listen: v.optional(
    described(
      {
        what: 'Where clients connect.',
        default: `port ${defaultPort}`,
        accepted: 'one or a list of objects, see Listeners',
      },
      some(listener),
    ),
  ),
  redirectHttp: v.optional(
    portNumber('One more port, where plain HTTP is redirected (308) to the TLS listener.', 'none', 1),
  ),
  redirectToPort: v.optional(
    portNumber(
      'The port in those redirects, where it is not the one that is listened on.',
      'that of the first TLS listener',
      1,
    ),
  ),
  hsts: v.optional(
    text(
      {
        what: '`Strict-Transport-Security` on every answer over TLS.',
        default: 'none',
        accepted: 'max-age=31536000, then ; includeSubDomains if wanted',
      },
      (given, refuse) => {
        const why = hstsProblem(given)
        return why === null ? given : refuse(why)
      },
    ),
  ),
  engine: v.optional(
    choice(engineChoices, {
      what: 'What speaks HTTP to clients; auto: hangup, but native for HTTP/2.',
      default: 'auto',
    }),
  ),
  preset: v.optional(
    texts(
      { what: 'What stands in front of the gateway.', default: 'internet', accepted: presetNames.join(', ') },
      (name) =>
        (presetNames as readonly string[]).includes(name)
          ? null
          : `${name} is no preset${didYouMean(name, presetNames)}`,
    ),
  ),
  trust: v.optional(trusted('Networks whose `Forwarded` and `X-Forwarded-*` are believed; all others’ are replaced.')),
  pseudonym: v.optional(
    text(
      {
        what: 'What `Via` and `Forwarded: by=` call this gateway.',
        default: 'hangup',
        accepted: 'letters, digits, . _ -',
      },
      (given, refuse) => (isPseudonym(given) ? given : refuse(`${given} is no pseudonym`)),
    ),
  ),
  reasonHeader: v.optional(yesOrNo({ what: 'The gateway’s own answers say why in `Hangup-Reason`.', default: 'true' })),
  clients: v.optional(
    described(
      { what: 'Limits of one client address.', default: 'none', accepted: 'an object, see Clients' },
      object(clientEntries),
    ),
  ),
  spoolDir: v.optional(
    text({
      what: 'Where buffered messages go that are too large for memory.',
      default: 'the system’s folder for temporary files',
      accepted: 'a path, relative to this file',
    }),
  ),
  to: v.optional(
    described({ ...upstreams, what: 'The upstreams, where one group behind one route is all.' }, some(upstream)),
  ),
  groups: v.optional(
    described(
      {
        what: 'Groups of upstreams, by name.',
        default: 'none',
        accepted: 'an object: each a group, see Groups, or only its upstreams',
      },
      record(group),
    ),
  ),
  routes: v.optional(
    described(
      {
        what: 'Which requests go where; the first that matches serves.',
        default: 'all to the only group',
        accepted: 'a list of objects, see Routes',
      },
      listOf(route),
    ),
  ),
  ...ofGroups,
  ...ofRoutes,
  ...upstreamAmounts('gateway'),
  ...amounts(policySchema.entries, optionNames),
} as const

const fileSchema = object(fileEntries)

/** What `hangup.config.ts` exports. */
export type GatewayFile = v.InferInput<typeof fileSchema>
/** The same, each value read. */
export type ReadFile = v.InferOutput<typeof fileSchema>

/** `routes[1].to`, `groups["my api"].balance`. */
export function pathText(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, name) => {
    if (typeof name === 'number') return `${path}[${name}]`
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
    return path === '' ? name : `${path}.${name}`
  }, '')
}

/** Reads what a file said; every problem with its path. */
export function readFileShape(given: unknown): { file: ReadFile | null; problems: readonly Problem[] } {
  const parsed = v.safeParse(fileSchema, given)
  if (parsed.success) return { file: parsed.output, problems: [] }
  const problems = parsed.issues.map((issue) => {
    const keys = (issue.path ?? []).map((item) => item.key as string | number)
    const path = pathText(keys) || 'the file'
    const value = (issue.path as readonly { value: unknown }[] | undefined)?.at(-1)?.value
    const given = typeof value === 'object' ? undefined : value
    return given === undefined
      ? { option: path, given: '', accepted: '', message: `${path}: ${misplaced(keys) ?? issue.message}` }
      : problem(path, given, misplaced(keys) ?? issue.message, '')
  })
  return { file: null, problems }
}

/** A known limit in a place that can't have its own. */
function misplaced(keys: readonly (string | number)[]): string | null {
  const name = String(keys.at(-1) ?? '')
  const inside = keys[0] === 'routes' ? 'route' : keys[0] === 'groups' ? 'group' : null
  if (inside === null || keys.length !== 3) return null
  if (Object.hasOwn(upstreamOptionSpecs, name)) {
    const { scope } = upstreamOptionSpecs[name as keyof typeof upstreamOptionSpecs]
    if (scope === 'gateway') return 'it is one for the whole gateway; set it at the top of the file'
    if (scope === 'group' && inside === 'route')
      return 'it belongs to a group, which all its routes share; set it there'
    return null
  }
  if (Object.hasOwn(optionSpecs, name) && !(inside === 'route' && name === 'maxBodyBytes')) {
    return 'it is of the connection policy, which all routes share; set it at the top of the file'
  }
  return null
}
