/**
 * The connection policy: every limit that a server holds its connections to, as one schema. Types, defaults, flags,
 * environment variables, `--help` and the table in the docs are all read from it, so a new limit is one entry here.
 */
import * as v from 'valibot'
import { accepted, type Kind, longestMs, parse } from './units.ts'

/** What is known about an option beside its value. */
export interface OptionSpec {
  readonly kind: Kind
  /** In the unit that the name carries; 0 is off. `'derived'`: follows from another option, see `derive`. */
  readonly default: number | 'derived'
  /** Whether 0 (`off`) is accepted. */
  readonly off: boolean
  /** The limit in one sentence. */
  readonly what: string
  /** What sets its clock back. */
  readonly resets: string
  /** What the client sees when it runs out. */
  readonly peerSees: string
  /** Why the default is what it is. */
  readonly why: string
  /** Where that comes from. */
  readonly source: string
}

/** A number in the unit of the name, or text with a unit. */
export type Amount = number | string

function option(spec: OptionSpec) {
  return v.pipe(
    v.custom<Amount>(
      (input) => typeof input === 'number' || typeof input === 'string',
      `expected ${accepted[spec.kind]}`,
    ),
    v.rawTransform<Amount, number>(({ dataset, addIssue, NEVER }) => {
      const given = dataset.value
      const value = typeof given === 'string' ? parse(spec.kind, given) : given
      const problem = typeof value === 'string' ? value : refusal(spec, value)
      if (typeof value === 'number' && problem === null) return value
      addIssue({ message: problem ?? '' })
      return NEVER
    }),
    v.metadata({ spec }),
  )
}

/** Why a number is not one that this option takes, or null. */
function refusal(spec: OptionSpec, value: number): string | null {
  if (!Number.isSafeInteger(value)) return `${value} is not a whole number`
  if (value < 0) return `${value} is negative`
  if (value === 0 && !spec.off) return 'it cannot be switched off'
  if (spec.kind === 'duration' && value > longestMs) return `${value} ms is longer than a timer can hold (24 days)`
  return null
}

/** The options in the order of a connection's life. */
const entries = {
  handshakeTimeoutMs: option({
    kind: 'duration',
    default: 10_000,
    off: true,
    what: 'From accept to the end of the TLS handshake.',
    resets: 'nothing',
    peerSees: 'FIN',
    why: 'A handshake is two round trips; Node waits 120 s, long enough to hold a descriptor for nothing.',
    source: 'Go net/http and Kestrel (HandshakeTimeout) use 10 s',
  }),
  headTimeoutMs: option({
    kind: 'duration',
    default: 30_000,
    off: true,
    what: 'From accept, or from the first byte of a later request, to the end of its head.',
    resets: 'nothing: a trickle does not extend it',
    peerSees: '408 if a byte of the request came, else FIN',
    why: 'A head fits in one packet; 30 s forgives the worst mobile network and nobody else.',
    source: 'Kestrel RequestHeadersTimeout 30 s; RFC 9110 15.5.9 (408)',
  }),
  maxHeadBytes: option({
    kind: 'bytes',
    default: 16 * 1024,
    off: false,
    what: 'The size of a request head.',
    resets: '–',
    peerSees: '431, close',
    why: 'What Node and Bun accept already.',
    source: 'Node http.maxHeaderSize 16 KiB; RFC 6585 5 (431)',
  }),
  bodyTimeoutMs: option({
    kind: 'duration',
    default: 30_000,
    off: true,
    what: 'Quiet time inside a request body that the application is waiting for; never a total.',
    resets: 'bytes of the body',
    peerSees: '408, close',
    why: 'A live upload is never quiet for so long; totals killed live uploads.',
    source: 'H2O 30 s, nginx client_body_timeout 60 s; caddy#1464, traefik#10654 on totals',
  }),
  minBodyBytesPerSec: option({
    kind: 'rate',
    default: 240,
    off: true,
    what: 'The slowest upload that is still taken, after minRateGraceMs.',
    resets: 'every byte buys time at this rate',
    peerSees: '408, close',
    why: 'Two thousand bits a second: slower than any modem, faster than an attack that wants to be cheap.',
    source: 'Kestrel MinRequestBodyDataRate 240 B/s after 5 s',
  }),
  maxBodyBytes: option({
    kind: 'bytes',
    default: 2 ** 30,
    off: true,
    what: 'The size of a request body.',
    resets: '–',
    peerSees: '413, close',
    why: 'An upload larger than that wants a service of its own; without a limit a disk or memory is the limit.',
    source: 'RFC 9110 15.5.14 (413)',
  }),
  handlerTimeoutMs: option({
    kind: 'duration',
    default: 0,
    off: true,
    what: 'From the end of the head until the handler has returned its response.',
    resets: 'nothing',
    peerSees: '503; the request’s signal is aborted',
    why: 'Only the application knows how long its work takes.',
    source: 'Go http.TimeoutHandler (503)',
  }),
  writeTimeoutMs: option({
    kind: 'duration',
    default: 30_000,
    off: true,
    what: 'Time in which a client that has bytes waiting takes none of them.',
    resets: 'bytes taken',
    peerSees: 'RST',
    why: 'A reader that takes nothing for so long is gone or hostile, and holds a socket and its buffers.',
    source: 'nginx send_timeout 60 s, H2O 30 s',
  }),
  minResponseBytesPerSec: option({
    kind: 'rate',
    default: 240,
    off: true,
    what: 'The slowest download that is still served, after minRateGraceMs, counted only while bytes wait.',
    resets: 'every byte buys time at this rate',
    peerSees: 'RST',
    why: 'The same as for an upload.',
    source: 'Kestrel MinResponseDataRate 240 B/s after 5 s',
  }),
  minRateGraceMs: option({
    kind: 'duration',
    default: 5_000,
    off: false,
    what: 'How long a body may be slower than the two minimum rates before they count.',
    resets: '–',
    peerSees: '–',
    why: 'TCP needs a moment to find its speed.',
    source: 'Kestrel MinDataRate grace period 5 s',
  }),
  streamIdleTimeoutMs: option({
    kind: 'duration',
    default: 0,
    off: true,
    what: 'Quiet time in a response that the application has begun and not ended (server-sent events).',
    resets: 'bytes of the response',
    peerSees: 'FIN in mid-response: the answer never looks whole',
    why: 'A quiet event stream is healthy.',
    source: 'HTML Living Standard 9.2 (server-sent events)',
  }),
  discardTimeoutMs: option({
    kind: 'duration',
    default: 5_000,
    off: true,
    what: 'How long the rest of a body is read after it has been answered early.',
    resets: 'nothing',
    peerSees: 'the whole answer, then FIN; never an RST over the answer',
    why: 'Long enough for a client to read the answer and stop.',
    source: 'RFC 9112 9.6 (lingering close); nginx lingering_timeout 5 s',
  }),
  discardBytes: option({
    kind: 'bytes',
    default: 2 ** 20,
    off: true,
    what: 'How much of that rest is read before the connection is given up instead of kept.',
    resets: '–',
    peerSees: 'the whole answer, then FIN',
    why: 'Reading more costs more than a new connection.',
    source: 'RFC 9112 9.3 (a server must read the body or close); Go net/http reads 256 KiB',
  }),
  idleTimeoutMs: option({
    kind: 'duration',
    default: 5_000,
    off: true,
    what: 'Quiet time between two requests on one connection.',
    resets: 'the end of a response',
    peerSees: 'FIN, never inside a request',
    why: 'Browsers come back at once or not at all; every second costs a descriptor per client.',
    source: 'Node keepAliveTimeout 5 s, Apache KeepAliveTimeout 5 s; RFC 9112 9.5',
  }),
  keepAliveHintMs: option({
    kind: 'duration',
    default: 'derived',
    off: true,
    what: 'What `Keep-Alive: timeout=N` promises. Derived: the idle limit less 1 s, in whole seconds.',
    resets: '–',
    peerSees: 'the header',
    why: 'A client that honours it stops using the connection before the server ends it: no request is lost.',
    source: 'RFC 2068 19.7.1.1 (Keep-Alive parameters); Node keepAliveTimeoutBuffer 1 s',
  }),
  maxRequestsPerConnection: option({
    kind: 'count',
    default: 0,
    off: true,
    what: 'Requests answered on one connection; the last answer says `Connection: close`.',
    resets: '–',
    peerSees: '`Connection: close`, FIN',
    why: 'A healthy connection is cheaper than a new one.',
    source: 'nginx keepalive_requests; RFC 9112 9.6',
  }),
  maxConnectionAgeMs: option({
    kind: 'duration',
    default: 0,
    off: true,
    what: 'Age, give or take 10 %, from which the next answer is the connection’s last; an idle connection of that age is closed.',
    resets: 'nothing',
    peerSees: '`Connection: close`, FIN (HTTP/2: GOAWAY)',
    why: 'Needed only where a balancer spreads connections, not requests.',
    source: 'gRPC MAX_CONNECTION_AGE with ±10 % jitter (proposal A9)',
  }),
  maxConnections: option({
    kind: 'count',
    default: 0,
    off: true,
    what: 'Connections open at once. At the limit the longest waiting is hung up on; if all are in a request, a newcomer gets 503.',
    resets: '–',
    peerSees: 'FIN, or 503 with `Retry-After` and close',
    why: 'The right number depends on the machine’s memory and descriptors.',
    source: 'RFC 9110 15.6.4 (503), 10.2.3 (Retry-After)',
  }),
  minIdleMs: option({
    kind: 'duration',
    default: 1_000,
    off: true,
    what: 'How long a connection that has just answered is spared by a drain or by pressure.',
    resets: 'the end of a response',
    peerSees: '–',
    why: 'A client’s next request may be on its way.',
    source: 'nginx keepalive_min_timeout; haproxy#1506, nodejs/node#60617',
  }),
  drainDelayMs: option({
    kind: 'duration',
    default: 0,
    off: true,
    what: 'Drain, phase 1 (announce): still accepting, not ready, every answer says `Connection: close`.',
    resets: '–',
    peerSees: '`Connection: close`',
    why: 'Only a balancer that learns of the shutdown late needs it; see the preset kubernetes.',
    source: 'Kubernetes: termination of endpoints is not synchronous with SIGTERM',
  }),
  drainSpreadMs: option({
    kind: 'duration',
    default: 0,
    off: true,
    what: 'Drain, phase 2 (close): time over which the idle connections are closed.',
    resets: '–',
    peerSees: 'FIN',
    why: 'Only with very many clients does a reconnect at once hurt.',
    source: 'HAProxy close-spread-time',
  }),
  drainTimeoutMs: option({
    kind: 'duration',
    default: 10_000,
    off: false,
    what: 'Drain, phase 3 (cut): from the first signal over all phases until what is left is cut and counted.',
    resets: 'nothing',
    peerSees: 'RST or FIN in mid-response',
    why: 'Docker’s own grace before SIGKILL.',
    source: 'docker stop: 10 s',
  }),
} as const

export const policySchema = v.strictObject(entries)

/** Every option resolved, in ms, bytes, bytes a second or counts; 0 is off. */
export type Policy = Readonly<Record<OptionName, number>>
export type OptionName = keyof typeof entries
/** What `serve` takes: any of the options, as a number or as text with a unit. */
export type PolicyInput = { readonly [Name in OptionName]?: Amount }

export const optionNames = Object.keys(entries) as readonly OptionName[]
export const optionSpecs = Object.fromEntries(
  optionNames.map((name) => [name, v.getMetadata(entries[name])['spec']]),
) as Readonly<Record<OptionName, OptionSpec>>
