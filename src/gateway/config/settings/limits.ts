/**
 * The limits of a gateway's upstreams and of what it holds on the way: one table, from which
 * types, defaults, flags, variables, keys of the configuration file, the table in the docs and who
 * holds each on Workers are read.
 */
import type { Enforced } from '../../../policy/enforcement.ts'
import type { OptionSpec } from '../../../policy/option.ts'
import { isSetIn, type Scope } from '../setting.ts'

export interface UpstreamOptionSpec extends OptionSpec {
  readonly scope: Scope
  /** Who holds it on Workers. */
  readonly workers: Enforced
}

// On Workers. The platform's own limits are published for Cloudflare and origins:
// developers.cloudflare.com/fundamentals/reference/connection-limits.
const ours = (how: string): Enforced => ({ by: 'us', stepMs: 0, how })
const platform = (how: string): Enforced => ({ by: 'platform', stepMs: 0, how })
const nobody = (how: string): Enforced => ({ by: 'nobody', stepMs: 0, how })

const streams = 'messages pass as they come: there is no spool, and little memory'
const ofPlatform = 'connections to upstreams are the platform’s'

/** In the order of a request's way through. */
const limits = {
  bufferMemoryBytes: {
    kind: 'bytes',
    scope: 'route',
    default: 256 * 1024,
    off: false,
    what: 'How much of one message that is buffered stays in memory; the rest goes to the spool.',
    resets: '–',
    peerSees: '–',
    why: 'Nearly all messages but uploads and downloads fit, and a thousand slow clients at once hold 256 MB at most.',
    source: 'nginx client_body_buffer_size 16k, proxy_buffers 8 × 8k; larger pieces are not faster (docs/speed.md)',
    workers: nobody(streams),
  },
  spoolBodyBytes: {
    kind: 'bytes',
    scope: 'route',
    default: 2 ** 30,
    off: true,
    what: 'How much of one answer goes to the spool before the upstream has to wait for the client. Off: nothing. A request is bounded by maxBodyBytes.',
    resets: '–',
    peerSees: '–',
    why: 'Larger than nearly every download, so that a slow reader holds no worker of a backend.',
    source: 'nginx proxy_max_temp_file_size 1024m',
    workers: nobody(streams),
  },
  spoolMaxBytes: {
    kind: 'bytes',
    scope: 'gateway',
    default: 10 * 2 ** 30,
    off: true,
    what: 'Everything in the spool together; off: there is none, and what memory can’t hold waits.',
    resets: '–',
    peerSees: '413 or 503 to a request that finds it full; an answer just waits',
    why: 'A disk that clients can fill is a disk that they will fill.',
    source: 'nginx has no such limit: its temporary files end with the disk',
    workers: nobody(streams),
  },
  upstreamMaxConnections: {
    kind: 'count',
    scope: 'group',
    default: 128,
    off: true,
    what: 'Connections to one upstream at once, busy and idle.',
    resets: '–',
    peerSees: 'a wait, see upstreamMaxQueued',
    why: 'More than a pool of workers can use, far below the 1,024 descriptors of a default ulimit -n.',
    source: 'Envoy max_connections 1024, HAProxy maxconn per server (off)',
    workers: platform(ofPlatform),
  },
  upstreamMaxQueued: {
    kind: 'count',
    scope: 'group',
    default: 1_024,
    off: true,
    what: 'Requests that wait for a connection to one upstream; off: none waits.',
    resets: '–',
    peerSees: '503 with `Retry-After`',
    why: 'A queue longer than what is answered within upstreamQueueTimeoutMs only makes everybody late.',
    source: 'Envoy max_pending_requests 1024',
    workers: platform(ofPlatform),
  },
  upstreamQueueTimeoutMs: {
    kind: 'duration',
    scope: 'group',
    default: 10_000,
    off: true,
    what: 'How long a request waits there.',
    resets: 'nothing',
    peerSees: '503 with `Retry-After`',
    why: 'A person has gone by then, and the retry of a program does better on a connection that is free.',
    source: 'HAProxy timeout queue (5 s in its example configuration)',
    workers: platform(ofPlatform),
  },
  upstreamConnectTimeoutMs: {
    kind: 'duration',
    scope: 'group',
    default: 5_000,
    off: true,
    what: 'From the start of a connection to an upstream to its end, with the TLS handshake.',
    resets: 'nothing',
    peerSees: '504, if no other upstream accepts',
    why: 'Two lost SYN packets are made up for within 3 s (RFC 6298: 1 s, then 2 s); what takes longer is down.',
    source: 'Envoy connect_timeout 5 s, HAProxy timeout connect 5 s; nginx proxy_connect_timeout 60 s',
    workers: platform('19 s, then 522; upstreamFirstByteTimeoutMs runs meanwhile'),
  },
  upstreamFirstByteTimeoutMs: {
    kind: 'duration',
    scope: 'route',
    default: 60_000,
    off: true,
    what: 'From the last byte of the request sent to the first byte of the answer.',
    resets: 'nothing',
    peerSees: '504; the request is never sent twice',
    why: 'What the balancers in front of a gateway wait as well; a page that takes longer wants a route of its own.',
    source: 'nginx proxy_read_timeout 60 s, AWS ALB idle timeout 60 s; Go ResponseHeaderTimeout (off)',
    workers: ours('a timer, which also sees the connect; the edge ends it with 524 after 120 s'),
  },
  upstreamReadTimeoutMs: {
    kind: 'duration',
    scope: 'route',
    default: 60_000,
    off: true,
    what: 'Quiet time inside an answer; not in event streams and upgraded connections.',
    resets: 'bytes of the answer; time in which the client takes none does not count',
    peerSees: 'the answer cut: it never looks whole',
    why: 'A healthy backend that has begun is not silent for so long.',
    source: 'nginx proxy_read_timeout 60 s',
    workers: ours('a timer'),
  },
  upstreamIdleTimeoutMs: {
    kind: 'duration',
    scope: 'group',
    default: 4_000,
    off: true,
    what: 'How long an unused connection to an upstream is kept. An upstream that promises less (`Keep-Alive: timeout=N`) is left a second before; off: only that counts.',
    resets: 'the end of an answer',
    peerSees: '–',
    why: 'The gateway has to be the one that ends it: Node, Uvicorn and Apache do so at 5 s. Gunicorn’s 2 s is met by the look at each connection before use, and by the rule that what can’t be sent twice takes none older than 250 ms.',
    source:
      'Node keepAliveTimeout 5 s, Uvicorn timeout_keep_alive 5 s, Gunicorn keepalive 2 s; nginx keepalive_timeout 60 s (upstream)',
    workers: platform('900 s'),
  },
  upstreamMaxRequestsPerConnection: {
    kind: 'count',
    scope: 'group',
    default: 0,
    off: true,
    what: 'Requests on one connection to an upstream.',
    resets: '–',
    peerSees: '–',
    why: 'A healthy connection is cheaper than a new one.',
    source: 'nginx keepalive_requests 1000 (upstream), Envoy max_requests_per_connection (off)',
    workers: nobody(ofPlatform),
  },
  upstreamMaxConnectionAgeMs: {
    kind: 'duration',
    scope: 'group',
    default: 0,
    off: true,
    what: 'Age from which a connection to an upstream is not used again.',
    resets: 'nothing',
    peerSees: '–',
    why: 'Needed only where a balancer stands between the gateway and its upstreams.',
    source: 'nginx keepalive_time 1 h (upstream), Envoy max_connection_duration (off)',
    workers: nobody(ofPlatform),
  },
  upstreamRetries: {
    kind: 'count',
    scope: 'route',
    default: 2,
    off: true,
    what: 'How often a request is tried again, on another upstream where there is one: after a failed connect always, after a connection that ended before the answer only where the method is idempotent, after a time-out never.',
    resets: '–',
    peerSees: '502 or 504 after the last',
    why: 'One for the upstream that is just being restarted, one for bad luck.',
    source: 'HAProxy retries 3, Envoy num_retries 1; RFC 9110 9.2.2 (idempotent methods)',
    workers: ours('a refused connection looks like one that ended: only idempotent methods are tried again'),
  },
  upstreamRetryBudgetPercent: {
    kind: 'percent',
    scope: 'group',
    default: 20,
    off: true,
    what: 'Retries among the requests to a group, at most.',
    resets: '–',
    peerSees: '502 or 504 without a retry',
    why: 'When everything fails, retries are the load that keeps it down.',
    source: 'Envoy retry_budget 20 %, Finagle RetryBudget 20 %',
    workers: ours('each isolate for itself'),
  },
  abortGraceMs: {
    kind: 'duration',
    scope: 'route',
    default: 1_000,
    off: true,
    what: 'How long an upstream may still begin its answer to a client that has sent FIN; an RST ends it at once.',
    resets: 'nothing',
    peerSees: '–',
    why: 'A client may close its sending side and read on (half-close); one that has left holds no worker for longer.',
    source: 'RFC 9112 9.6 (half-close); nginx proxy_ignore_client_abort off gives up at once (status 499)',
    workers: nobody('a Worker hears only that its client is gone'),
  },
  upgradedIdleTimeoutMs: {
    kind: 'duration',
    scope: 'route',
    default: 3_600_000,
    off: true,
    what: 'Quiet time in both directions of an upgraded connection (WebSocket).',
    resets: 'bytes in either direction',
    peerSees: 'FIN, to both',
    why: 'Both ends may ping each other, and quiet is healthy; a tunnel that nobody used for an hour is forgotten.',
    source: 'HAProxy timeout tunnel (1 h in its documentation); nginx 60 s breaks quiet WebSockets',
    workers: nobody('the platform joins both WebSockets; a Worker sees no byte of them'),
  },
} as const satisfies Readonly<Record<string, UpstreamOptionSpec>>

export type UpstreamOptionName = keyof typeof limits
/** In the unit of the name; 0 is off. */
export type UpstreamOptions = Readonly<Record<UpstreamOptionName, number>>

export const upstreamOptionNames = Object.keys(limits) as readonly UpstreamOptionName[]
export const upstreamOptionSpecs: Readonly<Record<UpstreamOptionName, UpstreamOptionSpec>> = limits

/** Those that may be set in a place of this width. */
export const upstreamOptionsIn = (place: Scope): readonly UpstreamOptionName[] =>
  upstreamOptionNames.filter((name) => isSetIn(upstreamOptionSpecs[name].scope, place))

export const upstreamDefaults: UpstreamOptions = Object.freeze(
  Object.fromEntries(upstreamOptionNames.map((name) => [name, Number(upstreamOptionSpecs[name].default)])),
) as UpstreamOptions

/** What was set in one place, over what holds around it. */
export function optionsOf(
  around: UpstreamOptions,
  here: Readonly<Partial<Record<string, unknown>>>,
  place: 'group' | 'route',
): UpstreamOptions {
  const own = upstreamOptionsIn(place).filter((name) => here[name] !== undefined)
  if (own.length === 0) return around
  return { ...around, ...Object.fromEntries(own.map((name) => [name, here[name] as number])) }
}

/** Who holds each on Workers. */
export const workersEnforcement = Object.fromEntries(
  upstreamOptionNames.map((name) => [name, upstreamOptionSpecs[name].workers]),
) as Readonly<Record<UpstreamOptionName, Enforced>>
