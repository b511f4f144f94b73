/**
 * `hangup probe`: the suite against any server. Exit status 0: all held, 1: something failed, 2: it
 * could not run.
 */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { readPlaces } from '../command/flags.ts'
import type { Host } from '../command/host.ts'
import { runCommand } from '../command/main.ts'
import { policyLayer, resolveEntries } from '../command/settings.ts'
import { exitStatus } from '../policy/exit-status.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import type { Read } from '../policy/setting.ts'
import { flagOf } from '../policy/spelling.ts'
import { ask, urlOf } from './ask.ts'
import { parseCases } from './case-file.ts'
import { type HealthCheck, healthCheckOf, illness } from './healthz.ts'
import { expected, limitFor, pools, readExpect } from './judge/expectation.ts'
import { redIn } from './judge/verdict.ts'
import { lines, redrawn, silent } from './reports/progress.ts'
import type { Report } from './reports/report.ts'
import { formNames, save } from './reports/save.ts'
import { toText } from './reports/text.ts'
import { choiceOf, noBehindWithExpect, type ProbeRequest } from './request.ts'
import { defaultConnections, probeEntries, routeFlags } from './settings.ts'

type Settings = Read<typeof probeEntries>

export function probeCommand(argv: readonly string[], host: Host): Promise<void> {
  return runCommand({ command: 'probe', program: 'hangup probe' }, argv, host, async () => {
    const check = healthCheckOf(argv)
    return check ? checked(check, host) : run(readProbe(argv, host.env), host)
  })
}

/** What is asked, and how it is told. */
export interface ReadProbe extends ProbeRequest {
  readonly settings: Settings
}

/**
 * Throws a `ConfigError` with everything that is wrong in flags, variables and the files that they
 * name.
 */
export function readProbe(argv: readonly string[], env: Host['env']): ReadProbe {
  const { places, problems } = readPlaces(argv, env, 'probe')
  const { settings, nameOf } = resolveEntries(probeEntries, places, problems)
  const { target, paths, expect, drain, pid, connections = defaultConnections } = settings
  if (target === undefined && problems.length === 0) {
    problems.push(problem('<url>', '<url>', 'which server? For example: hangup probe http://127.0.0.1:8000', ''))
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
  const known = expected(layers, read?.enforcement, flagOf, problems)
  const behind = pools(settings.behind ?? [], nameOf('behind'), problems)
  if (known && behind.length > 0) {
    problems.push(problem(nameOf('behind'), nameOf('behind'), noBehindWithExpect, ''))
  }
  const limitMs = limitFor(settings.limitMs, { flag: nameOf('limitMs'), tls: target?.tls ?? false }, behind, problems)
  const { starts = [], files = [] } = settings.case ?? {}
  const own = parseCases(files, nameOf('case'), problems)
  const choice = choiceOf(starts, own, nameOf('case'), problems)
  const ca = settings.ca === undefined ? undefined : readPem(settings.ca, nameOf('ca'), problems)
  if (problems.length > 0 || !target) throw new ConfigError(problems)
  const given = Object.entries(routeFlags).flatMap(([page, flag]) => {
    const path = settings[flag]
    return path === undefined ? [] : [[page, path]]
  })
  const { vanish, insecure, iMayTestThisHost } = settings
  return {
    ...{ settings, target, expected: known, behind, limitMs, connections, choice },
    paths: { hello: target.path, ...Object.fromEntries(given), ...paths },
    ...{ pid, drain, vanish, insecure, ca, iMayTestThisHost, nameOf: flagOf },
  }
}

function readPem(path: string, flag: string, problems: Problem[]): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
    problems.push(problem(flag, path, 'it has no certificate', 'a PEM file'))
  } catch (error) {
    problems.push(problem(flag, path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, ''))
  }
  return undefined
}

async function checked(check: HealthCheck, host: Host): Promise<number> {
  const why = await illness(check)
  if (why !== null) host.err(`hangup: ${why}\n`)
  return why === null ? 0 : 1
}

async function run(read: ReadProbe, host: Host): Promise<number> {
  const { settings, limitMs, expected: known, choice } = read
  if (settings.healthz) {
    const { insecure, limitMs } = settings
    return checked({ url: `${urlOf(read.target)}${read.target.path}`, insecure, limitMs }, host)
  }
  const controller = new AbortController()
  const interrupt = interruptedBy(controller, host)
  const chosenCount = choice.cases.filter(choice.isChosen).length
  const progress = settings.quiet
    ? silent
    : host.rows === undefined
      ? lines(host.err)
      : redrawn({ columns: host.columns, rows: host.rows, write: host.err }, chosenCount)
  let report: Report
  try {
    report = await ask(read, {
      signal: controller.signal,
      watch: progress.watch,
      begun(url, serves) {
        if (settings.quiet || known) return
        const atOnce = serves === null ? '' : `, ${serves} at a time`
        host.err(`${url}: connections are held open for up to ${limitMs / 1_000} s${atOnce}\n`)
      },
    })
  } catch (error) {
    if (controller.signal.aborted && error === controller.signal.reason) return interrupt.status()
    throw error
  } finally {
    progress.end()
    interrupt.off()
  }
  // Who wants a report on the standard output wants nothing else there.
  const toStdout = formNames.some((form) => settings[form] === '-')
  if (!toStdout) host.out(toText(report, host.columns))
  await save(report, settings, host.out)
  return redIn(report.counts) > 0 ? exitStatus.failed : exitStatus.done
}

/** Ctrl-C ends the probe with what it knows; once more ends the program. */
function interruptedBy(controller: AbortController, host: Host): { status(): number; off(): void } {
  let status = 0
  const handler = (signal: NodeJS.Signals) => {
    status = signal === 'SIGINT' ? 130 : 143
    if (controller.signal.aborted) host.exit(status)
    controller.abort()
  }
  process.on('SIGINT', handler)
  process.on('SIGTERM', handler)
  return {
    status: () => status,
    off() {
      process.off('SIGINT', handler)
      process.off('SIGTERM', handler)
    },
  }
}
