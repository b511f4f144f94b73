/**
 * Rewrites the blocks of README.md and docs/*.md that come from data, between `<!-- name:begin -->`
 * and `<!-- name:end -->`, and the files that are generated whole. `node scripts/docs.ts` writes
 * them, `--check` fails if one is stale.
 */
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { speedBlocks, speedPlots } from '../bench/report/speed.ts'
import keptApplication from '../docs/application.json' with { type: 'json' }
import kept from '../docs/conformance.json' with { type: 'json' }
import { clusterMetrics } from '../src/cluster/readings.ts'
import { gatewayEntries } from '../src/gateway/config/flags.ts'
import { allRouteSettings, fileSettings, groupSettings } from '../src/gateway/config/schema.ts'
import type { Table } from '../src/gateway/config/setting.ts'
import { checkSettings } from '../src/gateway/config/settings/checks.ts'
import { clientSettings } from '../src/gateway/config/settings/clients.ts'
import { upstreamOptionNames, upstreamOptionSpecs } from '../src/gateway/config/settings/limits.ts'
import { listenerSettings } from '../src/gateway/config/settings/listeners.ts'
import { routeSettings } from '../src/gateway/config/settings/routes.ts'
import { upstreamSettings } from '../src/gateway/config/settings/upstreams.ts'
import { type Failure, failures } from '../src/gateway/errors.ts'
import { type OwnResponse, ownReasons } from '../src/gateway/message/own-response.ts'
import { gatewayMetrics } from '../src/gateway/metrics.ts'
import { otherCauses, type Why } from '../src/lifecycle/cause.ts'
import { type Reason, reasons } from '../src/lifecycle/reasons.ts'
import type { Metric } from '../src/observe/reading.ts'
import { reasonLabels } from '../src/observe/reason-labels.ts'
import { processMetrics, serverMetrics } from '../src/observe/server-metrics.ts'
import { type Code, errorCodes, exitStatuses, logCodes } from '../src/policy/codes.ts'
import { type Enforced, type Enforcement, enforcementOf } from '../src/policy/enforcement.ts'
import { http2Rows } from '../src/policy/http2.ts'
import { type OptionName, optionNames, optionSpecs } from '../src/policy/policy.ts'
import { type Preset, presetNames, presets } from '../src/policy/presets.ts'
import { requestLimits } from '../src/policy/request-limits.ts'
import { type Entries, specOf } from '../src/policy/setting.ts'
import { flagOf } from '../src/policy/spelling.ts'
import { format } from '../src/policy/units.ts'
import type { Case } from '../src/probe/case.ts'
import { cases as allCases, chapters } from '../src/probe/cases/index.ts'
import { countVerdicts } from '../src/probe/judge/verdict.ts'
import { type Report, reportSchema, reportVersion } from '../src/probe/reports/report.ts'
import { legend, notes, rowsOf } from '../src/probe/reports/table.ts'
import { due, span } from '../src/probe/terms.ts'
import { nameOf } from '../src/probe/word.ts'
import { words } from '../src/probe/words/index.ts'
import { rescueEntries } from '../src/rescue/settings.ts'
import type { ApplicationReport, Outcome } from '../test/application/report.ts'
import { fieldsOf, jsonSchemaOf } from './json-schema.ts'
import { lifecyclePage } from './lifecycle-page.ts'
import { markdown } from './markdown.ts'
import { pageProblems, readPages } from './pages.ts'

/** What each block says, by its name. */
export type Renderers = Readonly<Record<string, () => string>>

export interface Outdated {
  readonly block: string
  /** What to do about it, if rewriting the block is not it. */
  readonly wrong?: string
}

const shown = (option: OptionName, value: number) => format(optionSpecs[option].kind, value)

/** `<name>` in prose is a tag to Markdown, and is not shown. */
const escapeTags = (prose: string): string => prose.replaceAll('<', '&lt;')

export function policyTable(): string {
  const rows = optionNames.map((option) => {
    const { default: value, what, resets, peerSees, why, source } = optionSpecs[option]
    const preset = value === 'derived' ? 'derived' : shown(option, value)
    return [`\`${option}\`<br>\`${flagOf(option)}\``, preset, what, resets, peerSees, `${why} (${source})`]
  })
  return markdown(['option, flag', 'default', 'what', 'resets on', 'the client sees', 'why this default'], rows)
}

/** `metrics`: of anything, because only their descriptions are read. */
export function metricsTable(metrics: readonly Pick<Metric<never>, 'name' | 'type' | 'labels' | 'help'>[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  return markdown(['metric', 'type', 'labels', 'what'], rows)
}

/** What `reason` says of an end, beside its phase. */
function reasonsTable(): string {
  const whatOf = (why: Why): string =>
    why in reasons ? `\`${reasons[why as keyof typeof reasons].option}\`` : otherCauses[why as keyof typeof otherCauses]
  const whys = Map.groupBy(Object.keys(reasonLabels) as Why[], (why) => reasonLabels[why])
  const rows = [...whys].map(([label, each]) => [`\`${label}\``, [...new Set(each.map(whatOf))].join(', ')])
  return markdown(['reason', 'which option said so, or what happened'], rows)
}

/** The limits of a gateway's upstreams. */
export function upstreamTable(): string {
  const rows = upstreamOptionNames.map((option) => {
    const { kind, default: value, scope, what, resets, peerSees, why, source } = upstreamOptionSpecs[option]
    const place = { gateway: 'top', group: 'top, group', route: 'top, group, route' }[scope]
    const shown = format(kind, Number(value))
    return [`\`${option}\`<br>\`${flagOf(option)}\``, shown, place, what, resets, peerSees, `${why} (${source})`]
  })
  const head = ['option, flag', 'default', 'set at', 'what', 'resets on', 'the client sees', 'why this default']
  return markdown(head, rows)
}

/** Who holds those on Workers. */
export function workersTable(): string {
  const rows = upstreamOptionNames.map((option) => {
    const { by, how } = upstreamOptionSpecs[option].workers
    return [`\`${option}\``, by, how]
  })
  return markdown(['option', 'held by', 'how'], rows)
}

/**
 * The keys of one kind of object in a gateway's configuration file; limits have tables of their
 * own.
 */
export function keysTable(table: Table): string {
  const rows = Object.entries(table).map(([name, { spec }]) => [
    `\`${name}\``,
    ...[spec.what, spec.shown, spec.accepted].map(escapeTags),
  ])
  return markdown(['key', 'what', 'default', 'accepted'], rows)
}

export function settingsTable(entries: Entries): string {
  const rows = Object.keys(entries).map((name) => {
    const { value, what, default: preset, isRepeatable } = specOf(entries, name)!
    const flag = `\`${flagOf(name)}${value && ` <${value}>`}\`${isRepeatable ? ' …' : ''}`
    return [flag, what, value === '' ? 'off' : preset]
  })
  return markdown(['flag', 'what', 'default'], rows)
}

export function presetsTable(): string {
  const rows = presetNames.map((name) => {
    const { behind, sets, why, source }: Preset = presets[name]
    const values = Object.entries(sets).map(
      ([option, value]) => `\`${option}\` ${shown(option as OptionName, Number(value))}`,
    )
    return [`\`${name}\``, behind, values.join(', ') || 'nothing', why, source]
  })
  return markdown(['preset', 'what stands in front', 'sets', 'why', 'source'], rows)
}

/** One column for each runtime; how each limit is held in its footnotes. */
export function enforcementTable(tables: Readonly<Record<string, Enforcement>>): string {
  const runtimes = Object.keys(tables)
  const notes: string[] = []
  const note = (how: string) => {
    if (!notes.includes(how)) notes.push(how)
    return notes.indexOf(how) + 1
  }
  const cell = ({ by, stepMs, max, how }: Enforced, option: OptionName) =>
    `${[
      by === 'nobody' ? '**nobody**' : by,
      ...(stepMs > 0 ? [`≤ ${format('duration', stepMs)} late`] : []),
      ...(max === undefined ? [] : [`up to ${shown(option, max)}`]),
    ].join(', ')} <sup>${note(how)}</sup>`
  const rows = optionNames.map((option) => [
    `\`${option}\``,
    ...runtimes.map((runtime) => cell(tables[runtime]![option], option)),
  ])
  return `${markdown(['limit', ...runtimes], rows)}\n\n${notes.map((how, index) => `${index + 1}. ${how}`).join('\n')}`
}

/** Who sees to what on an HTTP/2 session, with the cases that prove it. */
export function http2Table(rows: typeof http2Rows): string {
  const cell = ({ by, how }: { by: string; how: string }) => `${by === 'nobody' ? '**nobody**' : by}: ${how}`
  return markdown(
    ['what', 'set by', 'node:http', 'Deno.serve (Linux)', 'cases'],
    rows.map(({ what, option, cases, nodeHttp, denoServe }) => [
      what,
      option === undefined ? '–' : `\`${option}\``,
      cell(nodeHttp),
      cell(denoServe),
      cases.map((id) => `\`${id}\``).join(', '),
    ]),
  )
}

/** Which limits a route may change, and how. */
export function routesTable(tables: Readonly<Record<string, Enforcement>>): string {
  const runtimes = Object.keys(tables)
  const notes = [
    ...new Set(runtimes.flatMap((runtime) => requestLimits.map((name) => tables[runtime]![name].byRoute))),
  ].filter((how) => how !== undefined)
  const rows = requestLimits.map((name) => [
    `\`${name}\``,
    ...runtimes.map((runtime) => {
      const how = tables[runtime]![name].byRoute
      return how === undefined ? '**no**' : `yes <sup>${notes.indexOf(how) + 1}</sup>`
    }),
  ])
  return `${markdown(['limit', ...runtimes], rows)}\n\n${notes.map((how, index) => `${index + 1}. ${how}`).join('\n')}`
}

/** `text` with its blocks as the renderers have them, and what had to change for it. */
export function rewrite(text: string, renderers: Renderers): { text: string; outdated: Outdated[] } {
  const outdated: Outdated[] = []
  const rewritten = text.replace(
    /(<!-- ([\w-]+):begin -->)([\s\S]*?)(<!-- \2:end -->)/g,
    (whole, begin: string, block: string, _: string, end: string) => {
      const render = renderers[block]
      if (!render) {
        outdated.push({ block, wrong: `no renderer; there are ${Object.keys(renderers).join(', ')}` })
        return whole
      }
      const fresh = `${begin}\n${render()}\n${end}`
      if (fresh !== whole) outdated.push({ block })
      return fresh
    },
  )
  const unclosed = [...rewritten.matchAll(/<!-- ([\w-]+):begin -->/g)].map(([, block = '']) => block)
  for (const block of unclosed) {
    if (!rewritten.includes(`<!-- ${block}:end -->`)) outdated.push({ block, wrong: 'it has no end' })
  }
  return { text: rewritten, outdated }
}

/** A source of `examples/`, by the block of its page that shows it. */
const examples = {
  'example-hono': 'hono.ts',
  'example-fetch': 'fetch.ts',
  'example-h3': 'h3.ts',
  'example-bun': 'bun.ts',
  'example-deno': 'deno.ts',
  'example-deno-serve': 'deno-serve.ts',
  'example-worker': 'workers/worker.ts',
  'example-wrangler': 'workers/wrangler.toml',
  'example-gevent': 'gevent/app.py',
  'example-gunicorn': 'gunicorn/app.py',
} as const

const sourceOf = (path: string): string => {
  const source = readFileSync(new URL(`../examples/${path}`, import.meta.url), 'utf8')
  return `\`\`\`${path.slice(path.lastIndexOf('.') + 1)}\n${source}\`\`\``
}

/** A row an engine: what it passed of the cases that it can be asked. */
function conformanceCounts({ servers, cells }: Report): string {
  const counts = servers.map(({ name }) => {
    const { pass, deviation, 'not-judged': open } = countVerdicts(cells.filter(({ server }) => server === name))
    return [name, String(pass), String(deviation), String(open)]
  })
  return markdown(['engine', 'passed', 'known deviations', 'not judged'], counts)
}

/** The same for the README. */
export function conformanceShort(report: Report): string {
  return `${conformanceCounts(report)}\n\nMeasured on ${report.startedAt.slice(0, 10)}, ${report.cases.length} cases, over TCP and TLS: [every case and every deviation](docs/conformance.md).`
}

/** The last run of the suite that was kept: see `scripts/keep-conformance.ts`. */
export function conformanceTable(report: Report): string {
  const { startedAt, servers, cases, cells } = report
  const names = servers.map(({ name }) => name)
  const [head = [], ...rows] = rowsOf(cases, names, cells)
  const deviations = notes(cells, ({ verdict }) => verdict === 'deviation', 'Known deviations')
    .filter((line) => line !== '' && !line.endsWith(':'))
    .join('\n')
    .replaceAll(/^ {2}(\S.*)\n {4}(.*)$/gm, '- $1: $2')
  return [
    `Measured on ${startedAt.slice(0, 10)}: ${servers.map(({ version }) => version).join(', ')}; ${cases.length} cases, TCP and TLS.`,
    conformanceCounts(report),
    `<details><summary>Every case</summary>\n\n${markdown(head, rows)}\n\n${legend}\n\n</details>`,
    `<details><summary>Known deviations</summary>\n\n${deviations}\n\n</details>`,
  ].join('\n\n')
}

/** The last run of the application suite that was kept: see `scripts/keep-application.ts`. */
export function applicationTable({ startedAt, engines, chapters }: ApplicationReport): string {
  const names = engines.map(({ name }) => name)
  const all = chapters.flatMap(({ cases }) => cases)
  const shown = (outcome: Outcome | undefined) => (outcome === undefined ? '' : outcome.deviates ? '≠' : '✓')
  const counts = names.map((name) => {
    const here = all.flatMap(({ on }) => on[name] ?? [])
    const deviating = here.filter(({ deviates }) => deviates).length
    const places = here.reduce((sum, { passed, deviates = [] }) => sum + passed + deviates.length, 0)
    return [name, String(here.length - deviating), String(deviating), String(places)]
  })
  const sections = chapters.map(({ title, cases }) => {
    const rows = cases.map(({ id, title, on }) => [`\`${id}\`: ${title}`, ...names.map((name) => shown(on[name]))])
    return `<details><summary>${title}</summary>\n\n${markdown(['case', ...names], rows)}\n\n</details>`
  })
  const deviations = names.flatMap((name) => {
    const byReason = Map.groupBy(
      all.filter(({ on }) => on[name]?.deviates),
      ({ on }) => on[name]?.reason ?? '',
    )
    return [...byReason].map(
      ([reason, cases]) => `- ${name}: ${reason}: ${cases.map(({ id }) => `\`${id}\``).join(', ')}`,
    )
  })
  return [
    `Measured on ${startedAt.slice(0, 10)}: ${engines.map(({ version }) => version).join(', ')}; ${all.length} cases.`,
    markdown(['engine', 'cases as they must be', 'with a known deviation', 'requests’ places'], counts),
    ...sections,
    `## Known deviations\n\n${deviations.join('\n') || 'None.'}`,
  ].join('\n\n')
}

const gatewayObjects: Readonly<Record<string, Table>> = {
  'gateway-file': fileSettings,
  'gateway-listen': listenerSettings,
  'gateway-tls': listenerSettings.tls.inside!.table,
  'gateway-proxy-protocol': listenerSettings.proxyProtocol.inside!.table,
  'gateway-group': groupSettings,
  'gateway-upstream': upstreamSettings,
  'gateway-check': checkSettings,
  'gateway-route': allRouteSettings,
  'gateway-change': routeSettings.request.inside!.table,
  'gateway-clients': clientSettings,
}

const reportJsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: `Report of hangup, version ${reportVersion}`,
  ...jsonSchemaOf(reportSchema),
}

export function reportFields(): string {
  const rows = fieldsOf(reportJsonSchema).map(({ path, kind, what }) => [`\`${path}\``, kind, what])
  return markdown(['field', 'is', 'what'], rows)
}

/** What each word of a case means, by the first comment of its file, and what it takes. */
function caseWords(): string {
  const rows = words.words.map((word) => {
    const name = nameOf(word)
    const file = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const source = readFileSync(new URL(`../src/probe/words/${file}.ts`, import.meta.url), 'utf8')
    const comment =
      /^\/\*\*([\s\S]*?)\*\//
        .exec(source)?.[1]
        ?.replace(/\s*\n \*\s*/g, ' ')
        .trim() ?? ''
    const what = comment.replace(/^`\w+`: /, '')
    return [`\`${formOf(word.schema)}\``, `${what[0]?.toUpperCase()}${what.slice(1)}`]
  })
  return markdown(
    ['step', 'what it does'],
    rows.toSorted(([a = ''], [b = '']) => a.localeCompare(b)),
  )
}

interface Shape {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly options?: readonly (Shape | string)[]
  readonly item?: Shape
  readonly wrapped?: Shape
  readonly literal?: unknown
}

/**
 * `{"answer": {"status", "bytes"?}, "times"?}`: keys with the form of what is not a plain number or
 * text.
 */
function formOf(shape: Shape): string {
  const { type, entries, options = [], item, wrapped, literal } = shape
  if (shape === (span as unknown)) return 'time'
  if (shape === (due as unknown)) return 'due'
  if (wrapped) return formOf(wrapped)
  if (type === 'lazy') return 'step'
  if (type === 'literal') return JSON.stringify(literal)
  if (options.length > 4) return ''
  if (options.length > 0) return options.map((one) => (typeof one === 'string' ? `"${one}"` : formOf(one))).join(' or ')
  if (item) return `[${formOf(item)}]`
  if (!entries) return type === 'number' || type === 'string' ? type : ''
  const inner = Object.entries(entries).map(([key, value]) => {
    const form = formOf(value)
    const isPlain = form === 'number' || form === 'string' || form === '' || form === 'true'
    return `${key}${value.type === 'optional' ? '?' : ''}${isPlain ? '' : `: ${form}`}`
  })
  return `{${inner.join(', ')}}`
}

/** What each case asks, and why. */
export function casesPage(): string {
  const sections = chapters.map(({ title, cases }) =>
    [
      `## ${title}`,
      ...(cases as readonly Case[]).map(({ id, level, title, why, spec }) =>
        [`### ${id}`, '', `**${title}.** ${why}`, '', `${level} · ${spec.join(' · ')}`].join('\n'),
      ),
    ].join('\n\n'),
  )
  const head = [
    '# The cases',
    `What \`hangup probe\` and the conformance suite ask of a server, ${sections.length} chapters and ${allCases.length} cases. *must* and *should*: an RFC says so. *policy*: hangup promises it; from a server that has promised nothing it is only observed. *observe*: written down, never a failure.`,
  ]
  return `${[...head, ...sections].join('\n\n')}\n`
}

const faults: Readonly<Record<Code['fault'], string>> = {
  configuration: 'the configuration’s',
  application: 'the application’s',
  client: 'the client’s',
  upstream: 'the upstream’s',
  machine: 'the machine’s',
  hangup: 'hangup’s: a bug',
  nobody: 'nobody’s',
}

/** Every code and exit status. */
export function errorsPage(): string {
  const errors = Object.entries(errorCodes).map(([code, { means, fault, ends, remedy }]) => [
    `\`${code}\``,
    means,
    faults[fault],
    ends,
    remedy,
  ])
  const lines = Object.entries<Code>(logCodes).map(([code, { means, fault, remedy }]) => [
    `\`${code}\``,
    means,
    faults[fault],
    remedy,
  ])
  const limits = Map.groupBy(
    Object.values<Reason>(reasons).filter(({ message }) => message !== null),
    ({ option }) => option,
  )
  const limitLines = [...limits].map(([option, each]) => [
    `\`${option}\``,
    each.map(({ message }) => message).join('; '),
  ])
  const again = { always: 'yes', idempotent: 'if it is idempotent', never: 'no' } as const
  const gateway = [
    ...Object.entries<Failure>(failures).map(([code, { status, retry, blames, text }]) => [
      `\`${code}\``,
      String(status),
      text,
      blames ? faults.upstream : faults.nobody,
      again[retry],
    ]),
    ...Object.entries<OwnResponse>(ownReasons).map(([code, { status, text, fault }]) => [
      `\`${code}\``,
      String(status),
      text,
      faults[fault],
      'no',
    ]),
  ]
  return `${[
    '# Errors',
    'Programs match codes and exit statuses, never messages: those may change in any version. This page is written from the registry of codes in `src/policy/codes.ts`.',
    '## Exit statuses',
    markdown(['status', 'commands', 'means'], exitStatuses),
    '`serve()` in your own program ends no process.',
    '## Errors',
    'On `error.code`: of what `serve()` and the other calls throw or reject with, of what a handler meets, and of what `onError` gets.',
    markdown(['code', 'means', 'whose fault', 'ends in', 'what to do'], errors),
    'A `ConfigError` has `problems`, one for each invalid value: `{ option, given, accepted, message }`, with `option` as it was written (`--idle-timeout`, `HANGUP_IDLE_TIMEOUT`, `idleTimeoutMs`).',
    '## Lines in the log',
    'In brackets at the end of a line, and `code` of what `log` gets. A code is logged at most once a second (`APPLICATION_ERROR`: 20 times); `count` says how many events a line stands for.',
    markdown(['code', 'means', 'whose fault', 'what to do'], lines),
    'A limit logs under the name of its option:',
    markdown(['option', 'lines'], limitLines),
    '`proxyProtocol` logs each connection that was closed for its PROXY header.',
    '## What a gateway answers by itself',
    'With `reasonHeader` the answer names it in `Hangup-Reason`. An upstream is tried again where nothing can have been executed twice: see [the gateway](gateway.md).',
    markdown(['reason', 'status', 'means', 'whose fault', 'tried again'], gateway),
  ].join('\n\n')}\n`
}

/** Whole files that come from data, by their paths. */
export const generated: Renderers = {
  'docs/cases.md': casesPage,
  'docs/errors.md': errorsPage,
  'docs/lifecycle.md': lifecyclePage,
  'docs/report.schema.json': () => `${JSON.stringify(reportJsonSchema, null, 2)}\n`,
}

export const renderers = (tables: Readonly<Record<string, Enforcement>>): Renderers => ({
  policy: policyTable,
  presets: presetsTable,
  upstreams: upstreamTable,
  'gateway-workers': workersTable,
  metrics: () => metricsTable([...processMetrics, ...serverMetrics]),
  'gateway-metrics': () => metricsTable(gatewayMetrics),
  'cluster-metrics': () => metricsTable(clusterMetrics),
  'metric-reasons': reasonsTable,
  'gateway-flags': () => settingsTable(gatewayEntries),
  'rescue-flags': () => settingsTable(rescueEntries),
  ...Object.fromEntries(Object.entries(gatewayObjects).map(([name, entries]) => [name, () => keysTable(entries)])),
  enforcement: () => enforcementTable(tables),
  http2: () => http2Table(http2Rows),
  routes: () => routesTable(tables),
  conformance: () => conformanceTable(kept as Report),
  'conformance-short': () => conformanceShort(kept as Report),
  application: () => applicationTable(keptApplication as ApplicationReport),
  'report-fields': reportFields,
  'case-words': caseWords,
  ...speedBlocks,
  ...Object.fromEntries(Object.entries(examples).map(([block, path]) => [block, () => sourceOf(path)])),
})

/** Every page under `root`. */
const documents = (root: URL): URL[] => [...readPages(root).keys()].map((path) => new URL(path, root))

/** Returns one line for each stale block that was found (and, unless `check`, rewritten). */
export async function refresh(
  root: URL,
  blocks: Renderers,
  check: boolean,
): Promise<{ lines: string[]; failed: boolean }> {
  const lines: string[] = []
  let failed = false
  for (const url of documents(root)) {
    const before = await readFile(url, 'utf8')
    const { text, outdated } = rewrite(before, blocks)
    for (const { block, wrong } of outdated) {
      failed ||= check || wrong !== undefined
      lines.push(
        `${fileURLToPath(url)}: ${block}: ${wrong ?? (check ? 'stale; run node scripts/docs.ts' : 'rewritten')}`,
      )
    }
    if (!check && text !== before) await writeFile(url, text)
  }
  return { lines, failed }
}

/** The same for files that are generated whole. */
export async function refreshFiles(
  root: URL,
  files: Renderers,
  check: boolean,
): Promise<{ lines: string[]; failed: boolean }> {
  const lines: string[] = []
  for (const [path, render] of Object.entries(files)) {
    const url = new URL(path, root)
    const fresh = render()
    if ((await readFile(url, 'utf8').catch(() => null)) === fresh) continue
    lines.push(`${fileURLToPath(url)}: ${check ? 'stale; run node scripts/docs.ts' : 'rewritten'}`)
    if (!check) await writeFile(url, fresh)
  }
  return { lines, failed: check && lines.length > 0 }
}

/** The columns of the enforcement table. */
const tables: Readonly<Record<string, Enforcement>> = {
  'hangup (Node, Bun, Deno)': enforcementOf('socketEngine'),
  'node:http': enforcementOf('nodeHttp'),
  'Deno.serve (Linux)': enforcementOf('denoServe'),
  'Bun.serve (Linux)': enforcementOf('bunServe'),
  Workers: enforcementOf('workers'),
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const root = new URL('../', import.meta.url)
  const all = [
    await refresh(root, renderers(tables), check),
    await refreshFiles(root, { ...generated, ...speedPlots() }, check),
  ]
  const problems = pageProblems(root)
  for (const line of [...all.flatMap(({ lines }) => lines), ...problems]) console.log(line)
  process.exitCode = problems.length > 0 || all.some(({ failed }) => failed) ? 1 : 0
}
