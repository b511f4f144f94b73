/** `hangup probe`: the suite against any server. Exit status 0: all held, 1: something failed, 2: it could not run. */
import process from 'node:process'
import { asked, readPlaces } from '../command/flags.ts'
import { help } from '../command/help.ts'
import { cannotStart, explain, type Host } from '../command/main.ts'
import type { Read } from '../command/setting.ts'
import { policyLayer, resolveEntries } from '../command/settings.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import { flagOf } from '../policy/spelling.ts'
import { version } from '../version.ts'
import type { Case } from './case.ts'
import { cases } from './cases/index.ts'
import { Connection } from './client/client.ts'
import { destination, type UnreachableError } from './client/destination.ts'
import type { ParsedUrl } from './client/url.ts'
import { drainOf, isAlive, watchDrain } from './drain-watch.ts'
import { besideCase, besideRun, capacityOf } from './find/capacity.ts'
import type { Finding, Known } from './find/discover.ts'
import { checkCertificate, listeningOn, visit } from './find/preflight.ts'
import { expected, limitFor, outlives, type Pool, pools, readExpect } from './judge/expectation.ts'
import { descriptorLimitOf, summary } from './judge/summary.ts'
import { redIn } from './judge/verdict.ts'
import { type Judged, type Outcome, probe, type Site } from './probing.ts'
import { lines, redrawn, silent } from './reports/progress.ts'
import { formNames, type Probed, reportOf, save } from './reports/save.ts'
import { defaultConnections, probeEntries, routeFlags } from './settings.ts'
import type { PathName } from './terms.ts'

type Settings = Read<typeof probeEntries>

export async function probeCommand(argv: readonly string[], host: Host): Promise<void> {
  try {
    switch (asked(argv)) {
      case 'help':
        host.out(help('probe', 'hangup probe', host.columns))
        return host.exit(0)
      case 'version':
        host.out(`hangup ${version}\n`)
        return host.exit(0)
      default:
        host.exit(await run(readProbe(argv, host.env), host))
    }
  } catch (error) {
    const unreachable = (error as UnreachableError).code === 'PROBE_UNREACHABLE'
    host.err(`hangup: ${unreachable ? (error as Error).message : explain(error)}\n`)
    host.exit(cannotStart)
  }
}

export interface ReadProbe {
  readonly settings: Settings
  readonly target: ParsedUrl
  readonly paths: Readonly<Partial<Record<PathName, string>>>
  readonly expected: Known | null
  readonly behind: readonly Pool[]
  readonly limitMs: number
  chosen(theCase: Case): boolean
}

/** Throws a `ConfigError` with everything that is wrong in flags, variables and the files that they name. */
export function readProbe(argv: readonly string[], env: Host['env']): ReadProbe {
  const { places, problems } = readPlaces(argv, env, 'probe')
  const { settings, nameOf } = resolveEntries(probeEntries, places, problems)
  const { target, paths, expect, drain, pid } = settings
  if (target === undefined && problems.length === 0) {
    problems.push(problem('<url>', '<url>', 'it is missing', 'http://host:port or https://host:port'))
  }
  if (drain && pid === undefined)
    problems.push(problem(nameOf('drain'), nameOf('drain'), 'it needs --pid to know whom to end', ''))
  if (formNames.filter((form) => settings[form] === '-').length > 1) {
    problems.push(problem(nameOf('json'), '-', 'only one report can go to the standard output', ''))
  }
  if (target && !target.tls) {
    for (const name of ['ca', 'insecure'] as const) {
      if (settings[name]) problems.push(problem(nameOf(name), nameOf(name), 'only https:// has a certificate', ''))
    }
  }
  const read = expect === undefined ? null : readExpect(expect, nameOf('expect'), problems)
  const layers = [...places.map(policyLayer), ...(read ? [read.layer] : [])]
  const known = expected(layers, read?.enforcement, problems)
  const behind = pools(settings.behind ?? [], nameOf('behind'), problems)
  if (known && behind.length > 0) {
    const why = 'with limits to expect there is nothing left to find out; one of them'
    problems.push(problem(nameOf('behind'), nameOf('behind'), why, ''))
  }
  const limitMs = limitFor(settings.limitMs, { flag: nameOf('limitMs'), tls: target?.tls ?? false }, behind, problems)
  const ids = settings.case
  const chosen = ({ id }: Case) => ids?.some((start) => id.startsWith(start)) ?? true
  for (const start of ids ?? []) {
    if (![...cases, besideCase].some(({ id }) => id.startsWith(start))) {
      problems.push(problem(nameOf('case'), start, `no case begins with ${start}`, ''))
    }
  }
  if (problems.length > 0 || !target) throw new ConfigError(problems)
  const given = Object.entries(routeFlags).flatMap(([page, flag]) => {
    const path = settings[flag]
    return path === undefined ? [] : [[page, path]]
  })
  return {
    settings,
    target,
    paths: { hello: target.path, ...Object.fromEntries(given), ...paths },
    expected: known,
    behind,
    limitMs,
    chosen,
  }
}

async function run(read: ReadProbe, host: Host): Promise<number> {
  const { settings, target, paths, behind } = read
  const { insecure, ca, pid, vanish, iMayTestThisHost = false } = settings
  if (pid !== undefined && !isAlive(pid)) {
    throw new ConfigError([problem(flagOf('pid'), String(pid), 'there is no such process', 'a process id')])
  }
  const ips = await destination(target.host, iMayTestThisHost)
  const asked = { host: target.host, port: target.port, tls: target.tls }
  const address = { ...asked, ip: await listeningOn(ips, asked) }
  if (target.tls && !insecure) await checkCertificate(address, ca)
  const { foreign, local, server, hintMs } = await visit(address, paths)
  const connections = settings.connections ?? defaultConnections
  const capacity = await capacityOf(address, paths.hello ?? '/', connections - 1)
  const serves = capacity.full === null ? null : Math.max(1, Math.min(capacity.beside, connections))

  const startedAt = new Date()
  const fromMs = performance.now()
  const controller = new AbortController()
  const interrupt = interruptedBy(controller, host)
  const site: Site = { ...address, paths, foreign, local, pid, vanish }
  const url = urlOf(target)
  const chosenCount = cases.filter(read.chosen).length
  const progress = settings.quiet
    ? silent
    : host.rows === undefined
      ? lines(host.err)
      : redrawn({ columns: host.columns, rows: host.rows, write: host.err }, chosenCount)
  if (!settings.quiet && !read.expected)
    host.err(
      `${url}: connections are held open for up to ${read.limitMs / 1_000} s${serves === null ? '' : `, ${serves} at a time`}\n`,
    )
  let outcome: Outcome
  try {
    outcome = await probe({
      site,
      cases,
      chosen: read.chosen,
      expected: read.expected,
      limitMs: read.limitMs,
      hintMs,
      connections: serves ?? connections,
      serves,
      stop: controller.signal,
      watch: progress.watch,
    })
    if (read.chosen(besideCase)) {
      const judged = { case: besideCase, run: besideRun(capacity) }
      progress.watch(judged.case, judged.run)
      outcome = { ...outcome, judged: [judged, ...outcome.judged] }
    }
    if (behind.length > 0) outcome = judgedBehind(outcome, behind)
    if (outcome.cutShort === null && !(await isThere(site))) outcome = judgedGone(outcome)
    if (settings.drain && pid !== undefined && outcome.cutShort === null) {
      const { finding, judged } = drainOf(await watchDrain(site, pid, read.limitMs, controller.signal), read.limitMs)
      progress.watch(judged.case, judged.run)
      outcome = { ...outcome, findings: [...outcome.findings, finding], judged: [...outcome.judged, judged] }
    }
  } finally {
    progress.end()
    interrupt.off()
  }
  const probed: Probed = {
    ...outcome,
    ...{ url, server, startedAt, tls: target.tls, source: sourceOf(read) },
    tookMs: performance.now() - fromMs,
    descriptorLimit: descriptorLimitOf(pid),
  }
  // Who wants a report on the standard output wants nothing else there.
  const toStdout = formNames.some((form) => settings[form] === '-')
  const report = reportOf(probed)
  if (!toStdout) host.out(summary(probed, report.counts, host.columns))
  await save(report, settings, host.out)
  return redIn(report.counts) > 0 ? 1 : 0
}

function sourceOf({ expected: known, settings: { behind } }: ReadProbe): string {
  if (known) return flagOf('expect')
  return behind ? `measured, ${flagOf('behind')} ${behind.join(',')}` : 'measured'
}

function urlOf({ host, port, tls }: ParsedUrl): string {
  return `http${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function isThere(site: Site): Promise<boolean> {
  try {
    const connection = await Connection.open(site, { bare: true })
    connection.destroy()
    return true
  } catch {
    return false
  }
}

/** Connections that ended may have ended with it, so nothing that was found means anything. */
function judgedGone(outcome: Outcome): Outcome {
  const theCase: Case = {
    id: 'survives',
    level: 'policy',
    title: 'The server is still there when all has been asked',
    why: 'A server that a handful of clients can end is not one that they can rely on.',
    spec: [],
    profile: 'timed',
    steps: [{ alive: true }],
  }
  const reason = 'it does not accept connections any more: what ended may have ended with it'
  const judged = { case: theCase, run: { ...unseen, id: theCase.id, verdict: 'fail' as const, reason } }
  return { ...outcome, cutShort: 'the server has gone', judged: [...outcome.judged, judged] }
}

const unseen = { observed: null, observedMs: null, expected: null, tookMs: 0, timelines: [] }

/**
 * Behind a pool an idle limit must outlive it. That none was seen by then is no leak: it may be as long as it likes, and
 * a longer look tells whether there is one.
 */
export function judgedBehind(outcome: Outcome, behind: readonly Pool[]): Outcome {
  const isIdle = ({ question }: Finding) => question.gives.includes('idleTimeoutMs')
  const idle = outcome.findings.find(isIdle)
  const against = behind.map((pool) => againstPool(pool, idle))
  if (idle?.kind !== 'leak') return { ...outcome, judged: [...outcome.judged, ...against] }
  const reason = `${idle.reason}, which is long enough; a longer ${flagOf('limitMs')} tells whether it ever ends`
  return {
    ...outcome,
    findings: outcome.findings.map((finding) =>
      isIdle(finding) ? { ...finding, kind: 'unknown', reason, watchedMs: null } : finding,
    ),
    judged: [
      ...outcome.judged.map((one) =>
        one.case.id === idle.question.case
          ? { ...one, run: { ...one.run, verdict: 'not-judged' as const, reason } }
          : one,
      ),
      ...against,
    ],
  }
}

function againstPool(pool: Pool, idle: Finding | undefined): Judged {
  const theCase: Case = {
    id: `outlives-${pool.name}`,
    level: 'policy',
    title: `An idle connection lives longer than the ${pool.keepsIdleMs / 1_000} s for which ${pool.behind} keeps it`,
    why: 'Whoever ends first must be the one that sends requests; else they cross a close, and its client gets a 502.',
    spec: [pool.source],
    profile: 'timed',
    steps: [{ closes: { due: { by: ['idleTimeoutMs'], from: 'received' }, accept: ['fin'] } }],
  }
  const why = idle?.kind === 'found' ? outlives(pool, idle.fromMs ?? 0) : null
  const unknown = idle === undefined || idle.kind === 'unknown'
  return {
    case: theCase,
    run: {
      ...unseen,
      id: theCase.id,
      verdict: unknown ? 'not-judged' : why === null ? 'pass' : 'fail',
      observed: idle?.end ?? null,
      observedMs: idle?.fromMs ?? null,
      reason: unknown ? 'the idle limit is not known' : why,
    },
  }
}

/** Ctrl-C ends the probe with what it knows; once more ends the program. */
function interruptedBy(controller: AbortController, host: Host): { off(): void } {
  const handler = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) host.exit(signal === 'SIGINT' ? 130 : 143)
    controller.abort()
  }
  process.on('SIGINT', handler)
  process.on('SIGTERM', handler)
  return {
    off() {
      process.off('SIGINT', handler)
      process.off('SIGTERM', handler)
    },
  }
}
