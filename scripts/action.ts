/**
 * What action.yml runs: starts the server, probes it, writes the job's summary and outputs, ends
 * the server. Inputs come as `PROBE_…`; on any other CI the same variables do.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { flagOf } from '../src/policy/spelling.ts'
import { parseTarget } from '../src/probe/client/url.ts'
import { countsText, isRed as isRedVerdict, redIn } from '../src/probe/judge/verdict.ts'
import { spanOf } from '../src/probe/reports/numbers.ts'
import { type Report, readReport } from '../src/probe/reports/report.ts'
import { routeFlags } from '../src/probe/settings.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const listensWithinMs = 60_000
const endsWithinMs = 10_000
const failOns = ['failed', 'leaks', 'nothing'] as const
type FailOn = (typeof failOns)[number]
type Env = Readonly<Record<string, string | undefined>>

/** An input that is wrong, by the name that it has in action.yml. */
class InputError extends Error {
  override readonly name = 'InputError'
}

/** The arguments of `hangup probe`. Throws an `InputError`. */
export function argumentsOf(env: Env): string[] {
  const input = (name: string) => env[`PROBE_${name}`]?.trim() ?? ''
  const given = (flag: string, value: string) => (value === '' ? [] : [flag, value])
  if (input('URL') === '') throw new InputError('url: it is missing; http://host:port or https://host:port')
  const more: string[] = []
  const paths = input('PATHS')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .flatMap((line) => {
      const at = line.indexOf('=')
      const [name, path] = [line.slice(0, at), line.slice(at + 1)]
      if (at < 1) throw new InputError(`paths: ${line} is no page; one a line, as slow=/wait?ms={ms}`)
      if (name in routeFlags) return [flagOf(routeFlags[name as keyof typeof routeFlags]), path]
      more.push(`${name}=${path}`)
      return []
    })
  return [
    ...[input('URL'), '--quiet', ...paths, ...given('--paths', more.join(','))],
    ...given('--expect', input('LIMITS')),
    ...given('--behind', input('BEHIND')),
    ...given('--limit', input('LIMIT')),
    ...given('--case', input('CASES')),
    ...(input('INSECURE') === 'true' ? ['--insecure'] : []),
  ]
}

export function failOnOf(env: Env): FailOn {
  const text = env['PROBE_FAIL_ON']?.trim() || 'failed'
  const failOn = failOns.find((one) => one === text)
  if (!failOn) throw new InputError(`fail-on: ${text} is none of ${failOns.join(', ')}`)
  return failOn
}

const leaksIn = ({ servers }: Report) =>
  servers.flatMap(({ limits }) => limits.filter(({ outcome }) => outcome === 'leak'))
const failedIn = ({ cells }: Report) => cells.filter(({ verdict }) => isRedVerdict(verdict))

export function isRed(report: Report, failOn: FailOn): boolean {
  if (failOn === 'nothing') return false
  return (failOn === 'leaks' ? leaksIn(report).length : redIn(report.counts)) > 0
}

/** For the page of a job. What a server says may be anything. */
export function summaryOf(report: Report): string {
  const titles = new Map(report.cases.map(({ id, title }) => [id, title]))
  const limits = report.servers.flatMap((server) => server.limits)
  const leaking = new Set(limits.filter(({ outcome }) => outcome === 'leak').map((limit) => limit.case))
  const failed = failedIn(report).filter((cell) => !leaking.has(cell.case))
  const found = { found: '✓', leak: '✗', unknown: '?' } as const
  const rows = limits.map((limit) => [
    `${found[limit.outcome]} ${limit.name}`,
    limit.outcome === 'found' ? spanOf(limit.fromMs, limit.toMs) : '–',
    [limit.outcome === 'leak' ? `**${limit.problem}**` : limit.end, limit.reason].filter((part) => part).join('; '),
  ])
  return `${[
    `## ${leaking.size > 0 ? 'It leaks' : failed.length > 0 ? 'It hangs up, but' : 'It hangs up'}`,
    ...(rows.length > 0 ? [[['limit', 'ends after', ''], ['---', '---', '---'], ...rows].map(row).join('\n')] : []),
    ...(failed.length > 0
      ? [
          failed
            .map((cell) => `- \`${cell.case}\`: ${plain(titles.get(cell.case) ?? '')}: ${plain(cell.reason ?? '')}`)
            .join('\n'),
        ]
      : []),
    `${countsText(report.counts)}.`,
  ].join('\n\n')}\n`
}

const plain = (text: string) => (text.split('\n')[0] ?? '').replace(/[<>&|`[\]]/g, (sign) => `&#${sign.charCodeAt(0)};`)
const row = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`

async function main(env: NodeJS.ProcessEnv): Promise<number> {
  const args = argumentsOf(env)
  const failOn = failOnOf(env)
  const target = parseTarget(args[0] as string)
  if (typeof target === 'string') throw new InputError(`url: ${target}`)
  const { RUNNER_TEMP: runnerTemp = tmpdir(), GITHUB_OUTPUT: outputs, GITHUB_STEP_SUMMARY: summary } = env
  await mkdir(runnerTemp, { recursive: true })
  const into = await mkdtemp(`${runnerTemp}/hangup-`)
  const files = { json: `${into}/report.json`, junit: `${into}/report.xml`, html: `${into}/report.html` }
  const end = await start(env['PROBE_START']?.trim() ?? '', target)
  let status: number | null
  try {
    const reports = Object.entries(files).flatMap(([form, file]) => [`--${form}`, file])
    const probe = spawn(process.execPath, [cli, 'probe', ...args, ...reports], { stdio: 'inherit' })
    ;[status] = await once(probe, 'close')
  } finally {
    await end()
  }
  if (status !== 0 && status !== 1) return status ?? 2
  const report = readReport(await readFile(files.json, 'utf8'), files.json)
  const said = { leaks: leaksIn(report).length, failed: redIn(report.counts), ...files }
  const lines = Object.entries(said).map(([name, value]) => `${name}=${value}\n`)
  if (outputs) await appendFile(outputs, lines.join(''))
  if (summary) await appendFile(summary, summaryOf(report))
  return isRed(report, failOn) ? 1 : 0
}

/** Resolves when the server listens, with what ends it and all that it has started. */
async function start(
  command: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<() => Promise<void>> {
  if (command === '') return async () => {}
  const child = spawn(command, { shell: true, detached: true, stdio: 'inherit' })
  const closed = once(child, 'close')
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid as number), name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const end = async () => {
    signal('SIGTERM')
    await Promise.race([closed, sleep(endsWithinMs, undefined, { ref: false })])
    signal('SIGKILL')
  }
  const untilMs = performance.now() + listensWithinMs
  while (!(await listens(host, port))) {
    const why =
      child.exitCode !== null
        ? `it ended with ${child.exitCode}`
        : performance.now() > untilMs
          ? `nobody listens on ${host}:${port} after ${listensWithinMs / 1_000} s`
          : null
    if (why !== null) {
      await end()
      throw new InputError(`start: ${command}: ${why}`)
    }
    await sleep(200)
  }
  return end
}

function listens(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port })
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.env)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    console.error(`::error::${error.message}`)
    process.exitCode = 2
  }
}
