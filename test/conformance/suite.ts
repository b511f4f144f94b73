/**
 * The whole suite on one runtime: which servers run when, so that no load disturbs a case that
 * measures time.
 */
import { execFileSync } from 'node:child_process'
import type { Case, ProfileName } from '../../src/probe/case.ts'
import { type Deviation, isRed } from '../../src/probe/judge/verdict.ts'
import { type Cell, cellOf } from '../../src/probe/reports/report.ts'
import { type CaseRun, runCases } from '../../src/probe/run.ts'
import { environment, root } from '../lib/runtimes.ts'
import { deviations } from './deviations.ts'
import { type RuntimeName, runtimes, type Transport } from './runtimes.ts'
import { type Server, startServer } from './server.ts'

export const transports: readonly Transport[] = ['tcp', 'tls']

export function versionOf(name: RuntimeName): string {
  const [program = '', ...args] = runtimes[name].version
  const said = execFileSync(program, args, { cwd: root, env: environment, encoding: 'utf8' })
  return `${name} ${said.split('\n')[0]?.replace(/^(v|deno )/, '')}`
}

/** What the suite is run on: a runtime's server, or one that stands in front of another. */
export interface Subject {
  readonly name: string
  readonly profiles: readonly ProfileName[]
  readonly deviations: readonly Deviation[]
  start(profile: ProfileName, transport: Transport): Promise<Server>
}

/**
 * The cases that make sense on it: of the profiles that it is started under, over this transport.
 */
export function casesOf(cases: readonly Case[], { profiles }: Pick<Subject, 'profiles'>, transport: Transport): Case[] {
  return cases.filter(
    ({ profile, transports: only }) => profiles.includes(profile) && (only?.includes(transport) ?? true),
  )
}

export function casesFor(cases: readonly Case[], name: RuntimeName, transport: Transport): Case[] {
  return casesOf(cases, runtimes[name], transport)
}

export const subjectOf = (name: RuntimeName): Subject => ({
  name,
  profiles: runtimes[name].profiles,
  deviations: deviations[name],
  start: (profile, transport) => startServer(runtimes[name], profile, transport),
})

export function runRuntime(cases: readonly Case[], name: RuntimeName): Promise<Cell[]> {
  return runSubject(cases, subjectOf(name))
}

export async function runSubject(cases: readonly Case[], subject: Subject, over = transports): Promise<Cell[]> {
  return new Look(cases, subject, over).at('all')
}

export type Which = 'all' | 'light' | 'heavy' | 'heavy, backwards'
const belongs: Readonly<Record<Which, (theCase: Case) => boolean>> = {
  all: () => true,
  light: ({ heavy }) => heavy !== true,
  heavy: ({ heavy }) => heavy === true,
  'heavy, backwards': ({ heavy }) => heavy === true,
}

/** Every case of a subject, over each of the transports. */
export class Look {
  readonly #run: SubjectRun
  readonly #items: readonly Item[]

  constructor(cases: readonly Case[], subject: Subject, over: readonly Transport[]) {
    this.#run = new SubjectRun(subject)
    this.#items = over.flatMap((transport) =>
      casesOf(cases, subject, transport).map((theCase) => ({ theCase, transport })),
    )
  }

  /**
   * The cells of this part. What the harness could not see in time (another program took the
   * processor) it looks at once more at the end, with fresh servers; a server's failure is never
   * looked at twice.
   */
  async at(which: Which): Promise<Cell[]> {
    const items = this.#items.filter(({ theCase }) => belongs[which](theCase))
    if (which === 'heavy, backwards') items.reverse()
    await this.#run.all(items)
    const unseen = items.filter((item) => this.#run.cell(item)?.verdict === 'harness-failed')
    const needUnseen = ({ theCase: { needs }, transport }: Item) =>
      needs?.some((need) => unseen.some((item) => item.theCase.id === need && item.transport === transport)) ?? false
    await this.#run.all(items.filter((item) => unseen.includes(item) || needUnseen(item)))
    return items.map((item) => this.#run.cell(item)).filter((cell) => cell !== undefined)
  }
}

interface Item {
  readonly theCase: Case
  readonly transport: Transport
}

/** Cases that share a server. */
interface Group {
  readonly profile: ProfileName
  readonly transport: Transport
  readonly cases: Case[]
}

class SubjectRun {
  readonly cells = new Map<string, Cell>()
  readonly #subject: Subject
  /** What cases need of others, which may have run on another server. */
  readonly #results = { tcp: new Map<string, Promise<CaseRun>>(), tls: new Map<string, Promise<CaseRun>>() }

  constructor(subject: Subject) {
    this.#subject = subject
  }

  cell({ theCase, transport }: Item): Cell | undefined {
    return this.cells.get(`${transport} ${theCase.id}`)
  }

  async all(items: readonly Item[]): Promise<void> {
    for (const batch of batches(items)) {
      // All servers first: a process that starts takes the processor from those that are being measured.
      const starts = batch.map(({ profile, transport }) => this.#subject.start(profile, transport))
      const started = await Promise.allSettled(starts)
      await Promise.all(batch.map((group, number) => this.#group(group, started[number]!)))
    }
  }

  async #group(group: Group, started: PromiseSettledResult<Server>): Promise<void> {
    if (started.status === 'rejected') {
      const reason = `the server did not start under ${group.profile}: ${(started.reason as Error).message}`
      const failed = { observed: null, observedMs: null, expected: null, reason, tookMs: 0, timelines: [] }
      for (const { id } of group.cases) this.#add(group, { id, verdict: 'setup-failed', ...failed }, '')
      return
    }
    const server = started.value
    try {
      const runs = await runCases(group.cases, server.target, {
        deviations: this.#subject.deviations,
        results: this.#results[group.transport],
      })
      for (const run of runs) this.#add(group, run, server.stderr())
    } finally {
      await server.stop()
    }
  }

  #add({ cases, transport }: Group, run: CaseRun, stderr: string): void {
    const { id, verdict } = run
    const level = cases.find((one) => one.id === id)?.level ?? 'must'
    const red = isRed(verdict)
    const reason = red && stderr ? `${run.reason}\nthe server’s stderr: ${stderr.slice(-2_000)}` : run.reason
    this.cells.set(`${transport} ${id}`, cellOf({ ...run, reason }, { server: this.#subject.name, transport, level }))
  }
}

/**
 * First the cases that share a server, all at once, but those of the protocol alone after those
 * that are timed; then those that end or fill theirs, each with its own; then the heavy ones, those
 * of one profile at a time, each on its own servers. A race has its clients' clocks to itself:
 * beside the handshakes of another they read their answers too late.
 */
function batches(items: readonly Item[]): Group[][] {
  const shared = new Map<string, Group>()
  const own: Group[] = []
  const heavy = new Map<string, Group[]>()
  for (const { theCase, transport } of items) {
    const { id, profile, requires, steps } = theCase
    const group: Group = { profile, transport, cases: [theCase] }
    const key = `${profile} ${transport}`
    const together = steps.some((step) => 'race' in step) ? id : profile
    if (theCase.heavy) heavy.set(together, [...(heavy.get(together) ?? []), group])
    else if (requires?.includes('own-process')) own.push(group)
    else if (shared.has(key)) shared.get(key)?.cases.push(theCase)
    else shared.set(key, group)
  }
  const isTimed = ({ profile }: Group) => profile !== 'protocol'
  const groups = [...shared.values()]
  const untimed = groups.filter((group) => !isTimed(group))
  return [groups.filter(isTimed), untimed, own, ...heavy.values()].filter((batch) => batch.length > 0)
}
