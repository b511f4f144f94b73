/**
 * A conformance case is data: what a client does, and what the server's end must look like from outside. The words it
 * may use are this schema; `steps.ts` carries them out. A new check is a new word here, never a function in a case.
 */
import * as v from 'valibot'
import { type OptionName, optionNames } from '../policy/policy.ts'
import { frameSchema } from './client/h2.ts'

/** The policies under which a server is started for its cases; a case names the one that it needs. */
const profileNames = [
  'timed',
  'dripping',
  'stream',
  'handler',
  'sized',
  'counted',
  'aged',
  'crowded',
  'crowd',
  'race',
  'drain',
  'drain-cut',
  'drain-announce',
] as const
export type ProfileName = (typeof profileNames)[number]

/** The routes that a case may ask for, as `{slow}` in a text that is sent. A target without that route is not judged. */
export const pathNames = [
  'hello',
  'healthz',
  'slow',
  'stream',
  'events',
  'upload',
  'early',
  'large',
  'endless',
  'count',
  'whoami',
  'ws',
  'authority',
  'empty',
  'reset',
  'broken',
] as const
export type PathName = (typeof pathNames)[number]

/** What is looked for among the frames of an HTTP/2 session; `answer`: HEADERS with a status, `end`: END_STREAM. */
const h2Events = ['settings', 'settings ack', 'ping ack', 'answer', 'end', 'rst_stream', 'goaway'] as const
export type H2Event = (typeof h2Events)[number]

const option = v.picklist(optionNames as readonly [OptionName, ...OptionName[]])
const options = v.pipe(v.array(option), v.minLength(1))
const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const milliseconds = v.pipe(v.number(), v.minValue(0))

const span = v.union([
  milliseconds,
  /** Longer than the target may take to act on any of these limits. */
  v.strictObject({ outlive: options }),
  /** A share of a limit. */
  v.strictObject({ part: v.pipe(v.number(), v.gtValue(0)), of: option, plusMs: v.optional(milliseconds) }),
])
/** A time: milliseconds, or one that follows from the target's policy. */
export type Span = v.InferOutput<typeof span>

/**
 * How a connection ended: `fin`, `reset` or `open`, with the answer that came unasked before it (`408 then fin`,
 * `4xx then fin`), with the one that it broke off (`partial 200 then reset`), or with the HTTP/2 session's last word
 * (`goaway then fin`, whatever its code; `goaway NO_ERROR then fin`).
 */
const outcome = v.pipe(
  v.string(),
  v.regex(
    /^((partial )?[1-5](\d\d|xx) then |goaway( [A-Z0-9_]+)? then )?(fin|reset|open)$/,
    'expected an outcome: "fin", "408 then fin", …',
  ),
)
const outcomes = v.pipe(v.array(outcome), v.minLength(1))

const anchor = v.picklist(['connected', 'sent', 'received', 'paused', 'resumed', 'signalled'])
/** From when a time is counted; each is the last of its kind. */
export type Anchor = v.InferOutput<typeof anchor>

/** When something is due: by one of the policy's limits (not early, not late), or simply soon. */
const due = v.union([
  v.strictObject({
    by: options,
    from: anchor,
    /** How much later it may be for a reason that is not the clock's: bytes that the kernels hold, say. */
    plusMs: v.optional(milliseconds),
    /** The server's clock may have begun as early as this: when its kernel had taken what we read later. */
    soonestFrom: v.optional(anchor),
  }),
  v.strictObject({ from: anchor, withinMs: milliseconds }),
])
export type Due = v.InferOutput<typeof due>

const status = v.union([v.picklist(['2xx', '4xx', '5xx', 'any']), v.pipe(v.array(v.number()), v.minLength(1))])
const header = v.strictObject({
  name: v.string(),
  matches: v.optional(v.string()),
  absent: v.optional(v.literal(true)),
})

/** If it fails, the server did not get as far as what the case is about: `setup-failed`. */
const setup = v.optional(v.literal(true))

const simpleSteps = [
  /**
   * A new connection: TCP alone, HTTP/2, from a host that can vanish, or once more as the target speaks. Without it a case
   * starts on a connection as the target speaks.
   */
  v.strictObject({ connect: v.picklist(['tcp', 'h2', 'vanishing', 'again']) }),
  v.strictObject({
    send: v.string(),
    /** More placeholders: `{quiet}` becomes the span in ms. */
    with: v.optional(v.record(v.string(), span)),
    /** Again and again at this pace: so many times, for so long, or (without waiting) until the connection has ended. */
    everyMs: v.optional(milliseconds),
    times: v.optional(count),
    for: v.optional(span),
    until: v.optional(v.literal('closed')),
    /** A slower pace where that would be more often than so: servers count fields and bytes as well as time. */
    atMost: v.optional(v.strictObject({ times: count, within: span })),
    setup,
  }),
  /** A text in pieces of so many bytes, a segment each. */
  v.strictObject({ sendPieces: v.string(), bytes: count, everyMs: milliseconds, setup }),
  v.strictObject({ sendHex: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/)) }),
  /** HTTP/2 frames in one segment, after `connect: 'h2'`; so many times, at this pace or as fast as they are taken. */
  v.strictObject({
    h2: v.pipe(v.array(frameSchema), v.minLength(1)),
    times: v.optional(count),
    everyMs: v.optional(milliseconds),
    until: v.optional(v.literal('closed')),
  }),
  /** So many bytes of filler as fast as they are taken; without waiting for the end. */
  v.strictObject({ pour: v.union([count, v.strictObject({ limit: option })]), chunkBytes: v.optional(count) }),
  v.strictObject({
    /** The next answer, whole. */
    answer: v.strictObject({
      status,
      /** Body size, exactly. */
      bytes: v.optional(v.number()),
      /** Text that the first 256 bytes of the body contain. */
      contains: v.optional(v.string()),
      header: v.optional(header),
      /**
       * The size of a page, by the bodies of GET and by what HEAD says of it. `note`: remember it. `same`: a page that has
       * another size now has none to compare with, and the case is not judged. `said`: Content-Length says that size, if it
       * is there at all.
       */
      size: v.optional(v.picklist(['note', 'same', 'said'])),
      within: span,
      /** When its last byte is due, if that is what the case is about. */
      due: v.optional(due),
    }),
    times: v.optional(count),
    setup,
  }),
  /** These interim answers (1xx) have come by then, in this order, and no others. */
  v.strictObject({ interim: v.strictObject({ exactly: v.array(v.number()), within: span }) }),
  /** At least so many bytes have come. */
  v.strictObject({ received: count, within: span, setup }),
  /** After an upgrade: these bytes come. */
  v.strictObject({ receives: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/)), within: span }),
  /** On HTTP/2: one of these comes next among what else comes (so many times), when it is due. */
  v.strictObject({
    frame: v.pipe(v.array(v.picklist(h2Events)), v.minLength(1)),
    status: v.optional(v.number()),
    times: v.optional(count),
    due,
    setup,
  }),
  v.strictObject({ wait: span }),
  /** Quiet: for so long nothing comes and nothing ends. */
  v.strictObject({ quiet: span, setup }),
  /** For so long nothing ends, whatever comes. */
  v.strictObject({ staysOpen: span }),
  v.strictObject({
    read: v.union([v.picklist(['pause', 'resume']), v.strictObject({ bytes: count, everyMs: milliseconds })]),
  }),
  /** Our own end: FIN; RST; both directions at once, as a program that exits; or none that the server could see. */
  v.strictObject({ end: v.picklist(['fin', 'reset', 'close', 'vanish']) }),
  v.strictObject({
    closes: v.strictObject({
      due,
      accept: outcomes,
      /** What else the RFC allows: not what hangup does, and no failure of a server that has promised nothing. */
      allowed: v.optional(outcomes),
    }),
  }),
  /** The server's process has let go of the socket, as its kernel shows it. */
  v.strictObject({ gone: due }),
  /** Its socket is still held: no earlier end than the case asks for. */
  v.strictObject({ held: span }),
  /** Requests of this text, one after another every so many ms, until an answer says `Connection: close`; that is due. */
  v.strictObject({ requestUntilClose: v.string(), everyMs: milliseconds, due }),
  /** A fresh connection is served: the server has survived. */
  v.strictObject({ alive: v.literal(true) }),
  /** The number that a POST to `{count}` on a fresh connection answers: noted first, then greater by exactly so many. */
  v.strictObject({ counted: v.union([v.literal('note'), v.strictObject({ more: count })]) }),
  /** The server's process. */
  v.strictObject({ signal: v.picklist(['SIGTERM', 'SIGINT']) }),
  v.strictObject({ exits: v.strictObject({ code: v.number(), withinMs: milliseconds }) }),
  /** Descriptors that are sockets in the server's process: noted first, then back to that number. */
  v.strictObject({ descriptors: v.literal('note') }),
  v.strictObject({ descriptors: v.strictObject({ atLeastMore: count }) }),
  v.strictObject({ descriptors: v.strictObject({ backWithin: span }) }),
  /** New connections are refused. */
  v.strictObject({ refused: v.strictObject({ withinMs: milliseconds }) }),
] as const

const loadSteps = [
  /**
   * Connections that honour the server's `Keep-Alive: timeout`: each sends GET, waits a gap around the hint, and
   * uses the connection again only inside it. No request may stay without its answer. Without the hint they wait a gap
   * around the idle limit itself, and use whatever they have not seen end.
   */
  v.strictObject({
    race: v.strictObject({ connections: count, requests: count, hint: v.optional(v.literal('ignored')) }),
  }),
  /** The signal under load; every POST that the server's application counted has been answered, and the process exits 0. */
  v.strictObject({
    drain: v.strictObject({
      signal: v.picklist(['SIGTERM', 'SIGINT']),
      idle: count,
      busy: count,
      active: count,
      beforeMs: milliseconds,
      exitWithinMs: milliseconds,
    }),
  }),
] as const

const simpleStep = v.union(simpleSteps)
export type SimpleStep = v.InferOutput<typeof simpleStep>

const crowdSteps = [
  /** So many connections at once, each through these steps; all must pass. */
  v.strictObject({
    crowd: count,
    steps: v.array(simpleStep),
    /** They stay open for the steps that follow, as long as they can. */
    keep: v.optional(v.literal(true)),
    /** Their ends are spread out: from the 10th to the 90th percentile at least so many ms. */
    spreadMs: v.optional(milliseconds),
    setup,
  }),
  /** So many of a kept crowd have been hung up on, no more, no fewer. */
  v.strictObject({ crowdEnded: v.strictObject({ exactly: v.number(), within: span }) }),
] as const

const step = v.union([...simpleSteps, ...crowdSteps, ...loadSteps])
export type Step = v.InferOutput<typeof step>

export const levels = ['must', 'should', 'policy', 'observe'] as const
export const transports = ['tcp', 'tls'] as const

const caseSchema = v.strictObject({
  /** Stable for ever; no section number, no position. */
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)),
  /** must, should: an RFC says so. policy: hangup promises it. observe: written down, never red. */
  level: v.picklist(levels),
  /** A sentence about the server's behaviour. */
  title: v.string(),
  why: v.string(),
  spec: v.array(v.string()),
  profile: v.picklist(profileNames),
  /** Cases that must have passed, or this one is not judged. */
  needs: v.optional(v.array(v.string())),
  /** Limits that it stands on beside those in its steps; off or enforced by nobody: not judged. */
  limits: v.optional(options),
  /** Values of limits, where they are set, for which the case asks what its title says. */
  suits: v.optional(v.record(option, v.strictObject({ least: v.optional(v.number()), most: v.optional(v.number()) }))),
  /** Default: both. */
  transports: v.optional(v.array(v.picklist(transports))),
  /** It needs the server's kernel tables, a host that can vanish, its process, or an end of that process to itself. */
  requires: v.optional(v.array(v.picklist(['kernel', 'net-admin', 'process', 'own-process']))),
  /** Loads the machine: run after all others. */
  heavy: v.optional(v.literal(true)),
  steps: v.pipe(v.array(step), v.minLength(1)),
})
export type Case = v.InferOutput<typeof caseSchema>

/** Checks cases that come from anywhere; throws one error that names each bad case. */
export function checkCases(candidates: readonly unknown[]): readonly Case[] {
  const problems: string[] = []
  const seen = new Set<string>()
  const cases: Case[] = []
  for (const candidate of candidates) {
    const id = (candidate as { id?: unknown } | null)?.id
    const result = v.safeParse(caseSchema, candidate)
    if (!result.success) {
      problems.push(...result.issues.map((issue) => `${String(id)}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`))
      continue
    }
    if (seen.has(result.output.id)) problems.push(`${result.output.id}: the id is taken`)
    seen.add(result.output.id)
    cases.push(result.output)
  }
  for (const { id, needs = [] } of cases) {
    for (const need of needs) if (!seen.has(need)) problems.push(`${id}: needs ${need}, which is not a case`)
  }
  if (problems.length > 0) throw new TypeError(`malformed cases:\n${problems.join('\n')}`)
  return cases
}

/** The limits that a case stands on: those that it names, and those by which something in it is due. */
export function limitsOf({ limits = [], steps }: Case): readonly OptionName[] {
  const found = new Set<OptionName>(limits)
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'by') for (const name of inner as OptionName[]) found.add(name)
        else walk(inner)
      }
    }
  }
  walk(steps)
  return [...found]
}

/** The routes that a case asks for. */
export function pathsOf({ steps }: Case): readonly PathName[] {
  const text = JSON.stringify(steps)
  return pathNames.filter((name) => text.includes(`{${name}}`) || (name === 'count' && /"(drain|counted)":/.test(text)))
}
