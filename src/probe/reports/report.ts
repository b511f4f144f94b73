/**
 * What a run came to, for programs: one schema for the conformance suite, for `hangup probe` and
 * for `hangup compare`. The types, the check of what is read, `docs/report.schema.json` and the
 * table in `docs/probe-report.md` follow from it.
 */
import process from 'node:process'
import * as v from 'valibot'
import { ConfigError, problem } from '../../policy/problems.ts'
import { version } from '../../version.ts'
import { levels, transports } from '../case.ts'
import { chapterOf } from '../cases/index.ts'
import { ends, eventKinds } from '../client/client.ts'
import { type Finding, problemOf } from '../find/discover.ts'
import { countVerdicts, type Verdict, verdicts } from '../judge/verdict.ts'
import type { CaseRun } from '../run.ts'

/**
 * Rises when a program that reads the old form would misread the new one; a new field alone does
 * not raise it.
 */
export const reportVersion = 3

/** Of the type of `schema`: in declarations that of the pipe is twice as long. */
const described = <S extends v.GenericSchema>(schema: S, text: string): S =>
  v.pipe(schema, v.description(text)) as unknown as S
const ms = v.number()
const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const event = v.object({
  atMs: described(ms, 'When; several put together: the first.'),
  what: described(v.picklist(eventKinds), 'What happened; `our …` is the client’s own doing.'),
  bytes: v.optional(described(count, 'How many bytes.')),
  untilMs: v.optional(described(ms, 'Several put together: when the last was.')),
  times: v.optional(described(count, 'Several put together: how many.')),
  detail: v.optional(described(v.string(), 'What TCP or TLS said.')),
})

const timeline = v.object({
  events: described(
    v.array(event),
    'At most 48; sends and receipts that are close in time are put together. Times count from when the case’s first connection was there.',
  ),
  end: described(v.picklist(ends), 'How the server ended it.'),
  untilMs: described(ms, 'When that was; of one that is open: when it was last looked at.'),
})

const expected = v.object({
  from: described(v.string(), 'What the times of the window and `observedMs` count from: the last of its kind.'),
  fromMs: described(ms, 'When that was, on the clock of the timelines.'),
  earliestMs: described(v.nullable(ms), 'Sooner is too early; null: it cannot be too early.'),
  latestMs: described(ms, 'Later is too late.'),
  lagMs: described(ms, 'How late the client itself was at worst: the window is wider by that on both sides.'),
  by: described(v.array(v.string()), 'The limits that say so; empty: it is due soon whatever the limits are.'),
})

const cell = v.object({
  case: described(v.string(), 'The id of a case.'),
  server: described(v.string(), 'The name of a server.'),
  transport: described(v.picklist(transports), 'TCP alone, or TLS over it.'),
  level: described(
    v.picklist(levels),
    'What the case was judged by here: at `observe` nothing fails, it is `observed`.',
  ),
  verdict: described(v.picklist(verdicts), 'What it came to.'),
  observed: described(v.nullable(v.string()), 'What was seen last: `fin`, `408 then fin`, `open`, …'),
  observedMs: described(v.nullable(ms), 'When, from the anchor of the window; null: its time is not judged.'),
  expected: described(v.nullable(expected), 'When its end was due; null: it is not about an end.'),
  reason: described(v.nullable(v.string()), 'Why it is not a pass; for a deviation what is known of it.'),
  tookMs: described(ms, 'How long the case took.'),
  timelines: described(v.array(timeline), 'What happened on its connections: at most three of them.'),
})

const limit = v.object({
  case: described(v.string(), 'The case that asks for it.'),
  name: described(v.string(), 'What it limits.'),
  options: described(v.array(v.string()), 'The options of hangup that mean the same.'),
  outcome: described(
    v.picklist(['found', 'leak', 'unknown']),
    'found: it ends; leak: it did not while it was watched; unknown: it could not be watched.',
  ),
  fromMs: described(v.nullable(ms), 'The quickest of several looks.'),
  toMs: described(v.nullable(ms), 'The slowest.'),
  end: described(v.nullable(v.string()), 'How it ended.'),
  watchedMs: described(v.nullable(ms), 'How long a leak was watched: later it may have ended.'),
  reason: described(v.nullable(v.string()), 'What a leak looked like at last; why it is unknown.'),
  problem: described(v.nullable(v.string()), 'What is wrong, if it leaks.'),
  cost: described(v.nullable(v.string()), 'What that costs.'),
})

const server = v.object({
  name: described(v.string(), 'What it is called here; no two have the same.'),
  version: described(v.nullable(v.string()), 'What it says it is.'),
  url: described(v.nullable(v.string()), 'Where it was.'),
  startedAt: described(v.pipe(v.string(), v.isoTimestamp()), 'When its part of the run began.'),
  limits: described(v.array(limit), 'What was found out of it, the worst first; empty: nothing was asked.'),
  expected: described(
    v.nullable(
      v.object({
        source: described(v.string(), 'Where it is from: `--behind aws-alb`, `measured`, …'),
        policy: described(v.record(v.string(), v.number()), 'By option, in the unit that its name carries; 0 is off.'),
      }),
    ),
    'What it was judged by, if that is one policy.',
  ),
  warnings: described(v.array(v.string()), 'What is wrong with it as a whole, as sentences: its leaks first.'),
  cutShort: described(v.nullable(v.string()), 'Why the run ended before all was said.'),
})

const theCase = v.object({
  id: described(v.string(), 'It never changes.'),
  level: described(
    v.picklist(levels),
    'must, should: an RFC says so; policy: hangup promises it; observe: only written down.',
  ),
  title: described(v.string(), 'A sentence about the server’s behaviour.'),
  why: described(v.string(), 'Why it matters.'),
  spec: described(v.array(v.string()), 'Where that is written.'),
  chapter: described(v.string(), 'The heading that it belongs under.'),
})

export const reportSchema = v.object({
  version: described(v.literal(reportVersion), 'Of this form.'),
  by: described(
    v.object({
      hangup: described(v.string(), 'Its version.'),
      runtime: described(v.string(), 'What it ran on.'),
      platform: described(v.string(), 'Operating system and processor.'),
    }),
    'Who asked.',
  ),
  startedAt: described(v.pipe(v.string(), v.isoTimestamp()), 'When the run began.'),
  tookMs: described(ms, 'How long it took.'),
  servers: described(v.array(server), 'Who was asked.'),
  cases: described(v.array(theCase), 'What was asked, in the order of the report.'),
  cells: described(v.array(cell), 'What each case came to on each server, over each transport.'),
  counts: described(
    v.object(Object.fromEntries(verdicts.map((verdict) => [verdict, count])) as Record<Verdict, typeof count>),
    'Cells by verdict.',
  ),
})

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T
export type Report = DeepReadonly<v.InferOutput<typeof reportSchema>>
export type Cell = Report['cells'][number]
export type ReportCase = Report['cases'][number]
export type ReportServer = Report['servers'][number]
export type Limit = ReportServer['limits'][number]
export type Expected = NonNullable<Cell['expected']>
export type ReportTimeline = Cell['timelines'][number]

// Out of what a run knows

const hundredths = (value: number) => Math.round(value * 100) / 100

export function cellOf(
  { id, verdict, observed, observedMs, expected: due, reason, tookMs, timelines }: CaseRun,
  where: Pick<Cell, 'server' | 'transport' | 'level'>,
): Cell {
  return {
    case: id,
    ...where,
    verdict,
    observed,
    observedMs: observedMs === null ? null : hundredths(observedMs),
    expected: due && {
      ...due,
      fromMs: hundredths(due.fromMs),
      earliestMs: due.earliestMs === null ? null : hundredths(due.earliestMs),
      latestMs: hundredths(due.latestMs),
      lagMs: hundredths(due.lagMs),
    },
    reason,
    tookMs: hundredths(tookMs),
    timelines,
  }
}

export function limitOf({ question, kind, fromMs, toMs, end, reason, watchedMs }: Finding): Limit {
  const leaks = kind === 'leak'
  return {
    case: question.case,
    name: question.name,
    options: question.gives,
    outcome: kind,
    fromMs: fromMs === null ? null : hundredths(fromMs),
    toMs: toMs === null ? null : hundredths(toMs),
    end,
    watchedMs,
    reason,
    problem: watchedMs === null ? null : problemOf(question, watchedMs),
    cost: leaks ? question.cost : null,
  }
}

/** A server of which nothing is known but its name. */
export const serverNamed = (
  name: string,
  more: Partial<ReportServer> & Pick<ReportServer, 'startedAt'>,
): ReportServer => ({
  ...{ name, version: null, url: null, limits: [], expected: null, warnings: [], cutShort: null },
  ...more,
})

export function makeReport({
  startedAt,
  tookMs,
  servers,
  cases,
  cells,
}: {
  readonly startedAt: Date
  readonly tookMs: number
  readonly servers: readonly ReportServer[]
  readonly cases: readonly Omit<ReportCase, 'chapter'>[]
  readonly cells: readonly Cell[]
}): Report {
  return {
    version: reportVersion,
    by: { hangup: version, runtime: runtimeOfOurs(), platform: `${process.platform} ${process.arch}` },
    startedAt: startedAt.toISOString(),
    tookMs: Math.round(tookMs),
    servers,
    cases: cases.map(({ id, level, title, why, spec }) => ({ id, level, title, why, spec, chapter: chapterOf(id) })),
    cells,
    counts: countVerdicts(cells),
  }
}

/** Bun and Deno both claim to be Node as well, so they are asked first. */
function runtimeOfOurs(): string {
  const { bun, deno, node } = process.versions as Partial<Record<string, string>>
  return bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`
}

// Out of a file

const wanted = `a report of version ${reportVersion}, as hangup probe --json writes it`

/** Throws a `ConfigError` that names the file and the fix. `name`: what the user calls it. */
export function readReport(text: string, name: string): Report {
  const refuse = (why: string, cause?: unknown): never => {
    throw new ConfigError([problem(name, name, why, wanted)], cause === undefined ? {} : { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse('not valid JSON')
  }
  const { version, cells } = (value ?? {}) as { version?: unknown; cells?: unknown }
  if (version === undefined || !Array.isArray(cells)) return refuse('not a report')
  if (version !== reportVersion) {
    const newer = typeof version === 'number' && version > reportVersion
    const fix = newer ? 'a newer hangup reads it' : 'probe again with this hangup'
    return refuse(`it is a report of version ${JSON.stringify(version)}: ${fix}`)
  }
  const result = v.safeParse(reportSchema, value)
  if (!result.success) {
    const [issue] = result.issues
    return refuse(`not a whole report: ${v.getDotPath(issue) ?? ''}: ${issue.message}`)
  }
  const report: Report = result.output
  const ids = new Set(report.cases.map(({ id }) => id))
  const names = new Set(report.servers.map(({ name: own }) => own))
  const stray = report.cells.find((one) => !ids.has(one.case) || !names.has(one.server))
  if (stray) return refuse(`not a whole report: nothing is said of ${ids.has(stray.case) ? stray.server : stray.case}`)
  return report
}

// Out of several

export interface Named {
  readonly file: string
  readonly report: Report
}

/**
 * One report with the servers of all. A name that several have gets its file's beside it; a case
 * that several have is told as in the newest.
 */
export function merged(reports: readonly Named[]): Report {
  const newestFirst = reports.toSorted((a, b) => b.report.startedAt.localeCompare(a.report.startedAt))
  const [newest] = newestFirst as [Named]
  const all = reports.flatMap(({ report, file }, from) => report.servers.map((server) => ({ server, file, from })))
  const taken = new Set<string>()
  const names = all.map((one) => {
    const { name } = one.server
    const isShared = all.some((other) => other !== one && other.server.name === name)
    const wish = isShared ? `${name} (${one.file.replace(/^.*[/\\]|\.json$/g, '')})` : name
    let free = wish
    for (let number = 2; taken.has(free); number++) free = `${wish} ${number}`
    taken.add(free)
    return free
  })
  const nameOf = (from: number, name: string) =>
    names[all.findIndex((one) => one.from === from && one.server.name === name)] ?? name
  const cases = new Map<string, ReportCase>()
  for (const { report } of newestFirst) for (const one of report.cases) if (!cases.has(one.id)) cases.set(one.id, one)
  const cells = reports.flatMap(({ report }, from) =>
    report.cells.map((one) => ({ ...one, server: nameOf(from, one.server) })),
  )
  return {
    ...newest.report,
    startedAt: newestFirst.at(-1)?.report.startedAt ?? newest.report.startedAt,
    tookMs: Math.max(...reports.map(({ report }) => report.tookMs)),
    servers: all.map(({ server: one, from }) => ({ ...one, name: nameOf(from, one.name) })),
    cases: [...cases.values()],
    cells,
    counts: countVerdicts(cells),
  }
}
