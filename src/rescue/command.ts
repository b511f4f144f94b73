/** `hangup rescue`: frees the idle connections of a running process. */

import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { readPlaces } from '../command/flags.ts'
import { cannotStart, type Host } from '../command/host.ts'
import { runCommand } from '../command/main.ts'
import { resolveEntries } from '../command/settings.ts'
import { readable } from '../command/text-table.ts'
import { deferred } from '../deferred.ts'
import type { Libc, Loaded } from '../kernel/libc.ts'
import { systemClock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { exitStatus } from '../policy/exit-status.ts'
import { hasCode } from '../policy/has-code.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Read } from '../policy/setting.ts'
import type { App, Running, ServeOptions } from '../serve/contract.ts'
import { BorrowError } from './borrow.ts'
import { front, undo } from './front.ts'
import { refusalOf, refusalOfHidden } from './refusals.ts'
import { outcomeText, planText, surveyJson, surveyText } from './report.ts'
import {
  choose,
  type Exhausted,
  end,
  exhausted,
  type Kit,
  mayReset,
  type Outcome,
  type Plan,
  settled,
} from './rescue.ts'
import { defaultIdleMs, rescueEntries } from './settings.ts'
import { SockDiag } from './sock-diag.ts'
import { type Client, type Survey, SurveyError, survey } from './survey.ts'

export interface RescueEntry {
  readonly runtime: string
  readonly program: string
  loadLibc(): Loaded | Promise<Loaded>
  /** Runs the same command on a runtime that has an FFI; null: there is none. */
  elsewhere?(argv: readonly string[]): Promise<number> | null
  /** Whether a person can be asked. */
  readonly interactive: boolean
  serve(app: App, options: ServeOptions): Promise<Running>
  /** Starts this program again, up to the command's name. */
  readonly again: readonly [string, ...string[]]
}

const { done, failed: stillOut } = exitStatus
const watchEveryMs = 1_000

/** Resolves when it has ended, with `host.exit`. */
export function rescueCommand(entry: RescueEntry, host: Host): Promise<void> {
  const { program, runtime } = entry
  return runCommand({ command: 'rescue', program, runtime }, ownArgs(host.argv), host, () => run(entry, host))
}

async function run(entry: RescueEntry, host: Host): Promise<number> {
  const settings = readRescue(host, entry.interactive)
  if (settings.undo) {
    host.out(`${await undo(settings.port!, systemClock)}\n`)
    return done
  }
  if (settings.front) return await fronted(settings.port!, settings.directLoopback === true, entry, host)
  const { libc, ...rest } = await entry.loadLibc()
  if (libc === null) {
    const { why } = rest as { readonly why: string }
    const code = entry.elsewhere?.(host.argv)
    if (code) {
      host.err(`hangup: ${why}; running on another runtime that has an FFI\n`)
      return await code
    }
    host.err(`hangup: ${why}; install bun or deno (npm install bun), or use a newer Node\n`)
    return cannotStart
  }
  if (settings.metrics !== undefined) return await exported(settings.metrics, libc, entry, host)
  return await rescue(settings, libc, host)
}

type Settings = Read<typeof rescueEntries>

function readRescue({ argv, env }: Host, interactive: boolean): Settings {
  const { places, problems } = readPlaces(ownArgs(argv), env, 'rescue')
  const { settings, nameOf } = resolveEntries(rescueEntries, places, problems)
  if (problems.length === 0) {
    if (settings.pid === undefined && settings.port === undefined && settings.metrics === undefined) {
      problems.push(problem('--pid, --port', '--pid, --port', 'one of them is needed, or --metrics', ''))
    }
    for (const name of ['front', 'undo', 'directLoopback'] as const) {
      if (settings[name] && settings.port === undefined)
        problems.push(problem(nameOf(name), 'yes', 'it needs --port', ''))
    }
    if (!settings.front && gatewayArgs(argv).length > 0) {
      problems.push(problem('--', '--', 'what follows it is for --front', ''))
    }
    if (settings.watch && settings.once) problems.push(problem(nameOf('watch'), 'yes', 'not with --once', ''))
    const closes = !settings.front && !settings.undo && !settings.dryRun && settings.metrics === undefined
    if (closes && !settings.yes && (!interactive || settings.json)) {
      problems.push(
        problem('--yes, --dry-run', '--yes, --dry-run', 'there is nobody to confirm: one of them is needed', ''),
      )
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const ownArgs = (argv: readonly string[]): readonly string[] => argv.slice(0, endOfFlags(argv))
const gatewayArgs = (argv: readonly string[]): readonly string[] => argv.slice(endOfFlags(argv) + 1)

function endOfFlags(argv: readonly string[]): number {
  const at = argv.indexOf('--')
  return at < 0 ? argv.length : at
}

function fronted(port: number, directLoopback: boolean, { again }: RescueEntry, host: Host): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  const say = (line: string) => host.out(`${line}\n`)
  return front(
    { port, directLoopback, program: again, gatewayArgs: gatewayArgs(host.argv), say, clock: systemClock },
    stop.signal,
  )
}

/** Until a signal. */
async function exported(
  { host: address, port }: NonNullable<Settings['metrics']>,
  libc: Libc,
  { serve }: RescueEntry,
  host: Host,
): Promise<number> {
  const diag = new SockDiag(libc)
  const { exporterOf } = await import('./exporter.ts')
  const registry = exporterOf(diag)
  const server = await serve(
    async (request: Request) =>
      new URL(request.url).pathname === '/metrics'
        ? new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
        : new Response('/metrics\n', { status: 404 }),
    { host: address, port, engine: 'hangup', signals: false },
  )
  host.out(`metrics of every listening port: ${server.url}metrics\n`)
  const { promise, resolve } = deferred()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  await promise
  await server.drain({ announce: false })
  diag.close()
  return done
}

const planOf = ({ pid, port, idle = defaultIdleMs, head = 0, max, keepNewest = 0, exclude }: Settings): Plan => ({
  pid: pid ?? null,
  port: port ?? null,
  idleMs: idle,
  headMs: head || null,
  max: max ?? null,
  keepNewest,
  excludedPorts: exclude?.ports ?? [],
  isExcluded: exclude?.isExcluded ?? (() => false),
})

async function rescue(settings: Settings, libc: Libc, host: Host): Promise<number> {
  const plan = planOf(settings)
  const diag = new SockDiag(libc)
  const kit: Kit = { libc, diag, clock: systemClock }
  const show = printer(settings, plan, host)
  try {
    if (settings.watch) return await watch(kit, plan, show, settings.dryRun === true)
    const found = survey(diag, plan, kit.clock)
    const why = exhausted(found)
    const chosen = choose(found, plan)
    if (settings.dryRun || chosen.length === 0) {
      show(found, why, chosen, null, null)
      return why === null || settings.dryRun ? done : stillOut
    }
    if (found.hiddenOwner !== null && !mayReset()) throw new SurveyError(refusalOfHidden(found.hiddenOwner))
    if (!settings.yes) {
      show(found, why, chosen, null, null)
      if (!(await confirmed(chosen.length))) return done
    }
    const outcome = ended(kit, chosen, plan)
    const after = await settled(kit, plan, found.processes, outcome.ended.closed + outcome.ended.raced)
    const stillWhy = exhausted(after)
    show(found, why, chosen, outcome, { after, why: stillWhy }, settings.yes === true)
    return stillWhy === null ? done : stillOut
  } finally {
    diag.close()
  }
}

function ended(kit: Kit, chosen: readonly Client[], plan: Plan): Outcome {
  try {
    return end(kit, chosen, plan)
  } catch (error) {
    if (!(error instanceof BorrowError)) throw error
    throw new SurveyError(refusalOf(error, chosen.find(({ at }) => at !== null)?.at?.pid ?? 0))
  }
}

interface After {
  readonly after: Survey
  readonly why: Exhausted
}

type Show = (
  found: Survey,
  why: Exhausted,
  chosen: readonly Client[],
  outcome: Outcome | null,
  after: After | null,
  whole?: boolean,
) => void

/** `whole` false: the survey has been shown before the question. */
function printer({ json }: Settings, { idleMs }: Plan, host: Host): Show {
  const width = readable(host.columns)
  return (found, why, chosen, outcome, after, whole = true) => {
    if (json) {
      const { ended, way } = outcome ?? {}
      const told = { ...surveyJson(found, why), due: chosen.length, ...(outcome && { ended, way }) }
      host.out(`${JSON.stringify({ ...told, ...(after && { after: surveyJson(after.after, after.why) }) })}\n`)
      return
    }
    if (whole) host.out(`${surveyText(found, why, width)}\n${planText(chosen, idleMs)}`)
    if (outcome !== null && after !== null) host.out(outcomeText(outcome, after.after, after.why))
  }
}

async function confirmed(count: number): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = await terminal.question(`Close ${count}? [y/N] `)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}

/**
 * Until SIGINT or SIGTERM; a server that has gone and come back is found again where it is known by
 * its port.
 */
async function watch(kit: Kit, plan: Plan, show: Show, dryRun: boolean): Promise<number> {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  let first = true
  let last: Exhausted = null
  while (!stopped.signal.aborted) {
    try {
      const found = survey(kit.diag, plan, kit.clock)
      const chosen = choose(found, plan)
      last = exhausted(found)
      if (chosen.length > 0 && !dryRun) {
        const outcome = ended(kit, chosen, plan)
        show(found, last, chosen, outcome, { after: survey(kit.diag, plan, kit.clock), why: null }, first)
      } else if (first) show(found, last, chosen, null, null)
      first = false
    } catch (error) {
      if (!hasCode(error, 'RESCUE_NOTHING') || first || plan.pid !== null) throw error
    }
    await sleep(watchEveryMs, kit.clock, stopped.signal)
  }
  return last === null ? done : stillOut
}
