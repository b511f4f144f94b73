/**
 * The goals of speed against what was measured. A goal that is missed says what a profile shows:
 * `docs/bench/notes.json`, by the goal's key.
 */
import { markdown } from '../../scripts/markdown.ts'
import type { Result } from '../compare.ts'
import { hintName, type Runtime, runtimes, socketsName } from '../contenders.ts'
import { passingName } from '../proxies.ts'
import { wrongOf } from '../soak/outside.ts'
import { type Compared, type EnginesData, placesBeside, type RuntimeRun, waitsBeside } from './engines.ts'
import type { GatewayData } from './gateway.ts'
import { oursEach, type ScaleData, titles } from './scale.ts'
import type { SoakData } from './soak.ts'
import { growth, type WeightData, weightTitles } from './weight.ts'

export interface Goal {
  /** Where its note is. */
  readonly key: string
  readonly what: string
  readonly must: 'at least' | 'at most'
  readonly goal: number
  readonly measured: number
  /** Digits behind the point, and what follows them. */
  readonly digits: number
  readonly unit: string
  /** What it stands on, or can't be without, measured in the same run: with its figure. */
  readonly floor?: string | null
  /** Of what it is compared with, and of ours: CPU time by place, or how long a client waits. */
  readonly profile?: string | null
}

export type Notes = Readonly<Record<string, string>>

export const isMet = ({ must, goal, measured, digits }: Goal): boolean => {
  // As it is shown: nobody can tell 0.996 from 1.00 by these tables.
  const shown = Number(measured.toFixed(digits))
  return must === 'at least' ? shown >= goal : shown <= goal
}

const engineNames = { native: 'hangup, native engine', hangup: 'hangup, hangup engine' } as const
const small: readonly string[] = ['hello', 'async', 'api']

/** By how much a request takes less of the processor's time than on the runtime's own server. */
function speedGoal(runtime: Runtime, engine: 'native' | 'hangup', load: string): number {
  if (runtime === 'node' && engine === 'hangup' && small.includes(load)) return 1.4
  return runtime === 'deno' && engine === 'native' ? 0.98 : 1
}

interface Cell {
  readonly speed: Goal
  readonly p99: Goal
}

function cellOf(runtime: Runtime, engine: 'native' | 'hangup', load: string, run: RuntimeRun): Cell | null {
  const compared = run.loads[load]
  const result = compared?.results.find(({ name }) => name === engineNames[engine])
  if (!compared || !result) return null
  const key = `${runtime}-${engine}/${load}`
  const what = `${runtime}, ${engine} engine, ${compared.title}`
  const goal = speedGoal(runtime, engine, load)
  const isSockets = ({ name }: Result) => engine === 'hangup' && name === socketsName(runtime)
  const floor = compared.results.find(isSockets) ?? compared.results.find(({ name }) => name.endsWith(hintName))
  const goals = comparedGoals(compared, result, floor)
  return {
    speed: { key, what, goal, ...goals.speed },
    p99: { key: `${key}/p99`, what: `${what}, p99`, goal: 1.2, ...goals.p99 },
  }
}

/** What the goals of a load have in common, on an engine and on a gateway. */
function comparedGoals({ results: [first] }: Compared, result: Result, floor: Result | undefined) {
  const speedOf = ({ ratio }: Result) => 1 / ratio.cpuMicros
  const told = (figure: (result: Result) => number) => floor && `${floor.name}: ${figure(floor).toFixed(2)}`
  const all = { digits: 2, unit: '' } as const
  return {
    speed: {
      ...all,
      must: 'at least',
      measured: speedOf(result),
      floor: told(speedOf) ?? null,
      profile: first ? placesBeside(first, result) : null,
    },
    p99: {
      ...all,
      must: 'at most',
      measured: result.ratio.p99Ms,
      floor: told(({ ratio }) => ratio.p99Ms) ?? null,
      profile: first ? waitsBeside(first, result) : null,
    },
  } as const
}

/** Bold: missed. */
const shown = (goal: Goal): string => {
  const text = `${goal.measured.toFixed(goal.digits)}${goal.unit}`
  return isMet(goal) ? text : `**${text}**`
}

const engineRows = runtimes.flatMap((runtime) =>
  (['native', 'hangup'] as const).map((engine) => ({ runtime, engine, name: `${runtime}, ${engine} engine` })),
)

export function engineGoals(data: Partial<EnginesData>): { readonly text: string; readonly goals: readonly Goal[] } {
  const known = Object.values(data)[0]?.loads ?? {}
  const loads = Object.keys(known)
  const cells = engineRows.flatMap(({ runtime, engine, name }) => {
    const run = data[runtime]
    return run ? [{ name, of: loads.map((load) => cellOf(runtime, engine, load, run)) }] : []
  })
  const table = (figure: keyof Cell) =>
    markdown(
      ['engine', ...loads.map((load) => known[load]!.title)],
      cells.map(({ name, of }) => [name, ...of.map((cell) => (cell ? shown(cell[figure]) : ''))]),
    )
  const goals = cells.flatMap(({ of }) => of.flatMap((cell) => (cell ? [cell.speed, cell.p99] : [])))
  const text = [
    'CPU time of a request on the runtime’s own server ÷ on ours (goal: 1.0; 1.4 for small messages on Node’s hangup engine; 0.98 on Deno’s native one):',
    table('speed'),
    'p99 on ours ÷ on the runtime’s own server (goal: at most 1.2):',
    table('p99'),
  ].join('\n\n')
  return { text, goals }
}

const gatewayAim: Readonly<Record<string, Readonly<Record<Runtime, number>>>> = {
  small: { bun: 0.8, node: 0.72, deno: 0.66 },
  large: { bun: 1.5, node: 1.5, deno: 1.5 },
  post: { bun: 0.85, node: 0.8, deno: 0.75 },
  tls: { bun: 0.8, node: 0.8, deno: 0.8 },
}

export function gatewayGoals({ loads = {}, routes = {}, handshakes = null }: Partial<GatewayData>): Goal[] {
  const loaded = Object.entries(loads).flatMap(([load, compared]) =>
    compared.results.flatMap((result): Goal[] => {
      const runtime = runtimes.find((one) => result.name === `hangup on ${one}`)
      const aim = runtime && gatewayAim[load]?.[runtime]
      if (!runtime || aim === undefined) return []
      const key = `gateway-${runtime}/${load}`
      const what = `gateway on ${runtime} ÷ nginx, ${compared.title}`
      const floor = compared.results.find((one) => one.name === passingName(runtime))
      const goals = comparedGoals(compared, result, floor)
      return [
        { key, what, goal: aim, ...goals.speed },
        { key: `${key}/p99`, what: `${what}, p99`, goal: 2, ...goals.p99 },
      ]
    }),
  )
  const many = Object.entries(routes).flatMap(([runtime, { results }]): Goal[] => {
    const result = results[1]
    const what = `gateway on ${runtime}, 200 routes × 50 upstreams ÷ one`
    const key = `gateway-${runtime}/routes`
    return result
      ? [{ key, what, must: 'at most', goal: 1.05, measured: result.ratio.cpuMicros, digits: 2, unit: '' }]
      : []
  })
  const [nginx] = handshakes?.rows ?? []
  const shaken = (handshakes?.rows ?? []).flatMap(({ name, resumedMicros }): Goal[] => {
    const runtime = runtimes.find((one) => name === `hangup on ${one}`)
    if (!runtime || !nginx) return []
    const what = `gateway on ${runtime}, a resumed TLS session ÷ a new one on nginx`
    const measured = resumedMicros / nginx.newMicros
    return [{ key: `gateway-${runtime}/handshakes`, what, must: 'at most', goal: 1, measured, digits: 2, unit: '' }]
  })
  return [...loaded, ...many, ...shaken]
}

const kilobytes = { must: 'at most', goal: 2, digits: 1, unit: ' KB' } as const
const atRest = { must: 'at most', goal: 2, digits: 1, unit: ' %' } as const
const beside = { must: 'at least', goal: 0.95, digits: 2, unit: '' } as const
const lateness = { must: 'at most', goal: 250, digits: 0, unit: ' ms' } as const
const manyIdle = 10_000

export function scaleGoals(data: Partial<ScaleData>): Goal[] {
  const { servers = {}, memory = {} } = data
  const whole: ScaleData = { servers, memory, most: null }
  const real = Object.entries(servers).flatMap(([server, { rows }]): Goal[] => {
    const ours = oursEach(whole, server)
    const last = rows.at(-1)
    if (ours === null || !last?.lateMs || last.connections === 0) return []
    const title = titles[server]!
    const many = rows.find(({ connections }) => connections === manyIdle)
    const most = `${last.connections.toLocaleString('en')} idle connections`
    return [
      { key: `${server}/idle-memory`, what: `${title}, an idle connection, of ours`, measured: ours, ...kilobytes },
      ...(many
        ? [{ key: `${server}/idle-cpu`, what: `${title}, 10,000 idle, CPU`, measured: many.cpuPercent, ...atRest }]
        : []),
      { key: `${server}/idle-beside`, what: `${title}, hello beside ${most}`, measured: 1 / last.cpuMicros, ...beside },
      {
        key: `${server}/idle-late`,
        what: `${title}, ${most}, closed late, p99`,
        measured: last.lateMs.p99,
        ...lateness,
      },
    ]
  })
  const inMemory = Object.entries(memory).flatMap(([runtime, { rows }]): Goal[] => {
    const last = rows.at(-1)
    if (!last) return []
    const key = `${runtime}-memory`
    const what = `${runtime}, ${last.connections.toLocaleString('en')} sockets in memory`
    return [
      { key: `${key}/idle-memory`, what: `${what}, each`, measured: last.bytesEach / 1024, ...kilobytes },
      { key: `${key}/idle-beside`, what: `${what}, hello beside them`, measured: last.throughput, ...beside },
      { key: `${key}/idle-late`, what: `${what}, closed late, p99`, measured: last.lateMs.p99, ...lateness },
    ]
  })
  return [...real, ...inMemory]
}

/** MB after the last of the requests. */
const gatewayMegabytes: Readonly<Record<string, number>> = {
  'gateway-bun': 75,
  'gateway-node': 150,
  'gateway-deno': 150,
}

export function weightGoals({ starts = {}, memory = {} }: Partial<WeightData>): Goal[] {
  const ours = (server: string) => /native|hangup|gateway/.test(server)
  return Object.keys(weightTitles).flatMap((server): Goal[] => {
    const [start, kept, title] = [starts[server], memory[server], weightTitles[server]!]
    if (!ours(server)) return []
    const goals: Goal[] = []
    if (start && !server.startsWith('gateway')) {
      const what = `${title}, start ÷ the runtime’s own server`
      goals.push({
        key: `${server}/start`,
        what,
        must: 'at most',
        goal: 1.3,
        measured: start.ratio,
        digits: 2,
        unit: '',
      })
    }
    if (kept) {
      const [first, last] = [kept.bytes[1]![0], kept.bytes.at(-1)!]
      const what = `${title}, memory from ${first.toLocaleString('en')} to ${last[0].toLocaleString('en')} requests`
      const measured = growth(kept) * 100
      goals.push({ key: `${server}/growth`, what, must: 'at most', goal: 5, measured, digits: 0, unit: ' %' })
      const most = gatewayMegabytes[server]
      if (most !== undefined) {
        const after = `${title}, memory after ${last[0].toLocaleString('en')} requests`
        const megabytes = last[1] / 2 ** 20
        goals.push({
          key: `${server}/memory`,
          what: after,
          must: 'at most',
          goal: most,
          measured: megabytes,
          digits: 0,
          unit: ' MB',
        })
      }
    }
    return goals
  })
}

export const soakGoals = ({ minutes = 0, rows = [] }: Partial<SoakData>): Goal[] =>
  rows.map((row) => ({
    key: `soak/${row.server}`,
    what: `${row.server}, ${minutes} minutes of mixed traffic, found wrong`,
    must: 'at most',
    goal: 0,
    measured: wrongOf(row).length,
    digits: 0,
    unit: '',
  }))

const goalText = ({ must, goal, unit }: Goal): string => `${must} ${goal}${unit}`

/** Those that hold are counted; those that do not are told one by one, with their note. */
export function goalsTable(goals: readonly Goal[]): string {
  return markdown(
    ['goal', 'is to be', 'measured'],
    goals.map((goal) => [goal.what, goalText(goal), shown(goal)]),
  )
}

export function missedList(goals: readonly Goal[], notes: Notes): string {
  const missed = goals.filter((goal) => !isMet(goal))
  const head = `${goals.length - missed.length} of ${goals.length} goals are met.`
  if (missed.length === 0) return head
  const rows = missed.map((goal) => [
    goal.what,
    goalText(goal),
    shown(goal),
    goal.floor ?? '',
    goal.profile ?? '',
    notes[goal.key] ?? notes[goal.key.replace(/\/[^/]*$/, '')] ?? 'not profiled yet',
  ])
  return [
    head,
    markdown(['missed', 'is to be', 'measured', 'beside it', 'the other’s → ours', 'what a profile shows'], rows),
  ].join('\n\n')
}
