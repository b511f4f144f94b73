/**
 * Every case on a server that keeps the rules, and on its sinner, who is asked the cases before and
 * after it, too. All at once but what needs a process to itself or loads the machine.
 */
import type { Case } from '../../src/probe/case.ts'
import { cases, h2Rules } from '../../src/probe/cases/index.ts'
import type { Target } from '../../src/probe/client/target.ts'
import { forgivenLagMs } from '../../src/probe/play.ts'
import { type CaseRun, runCase } from '../../src/probe/run.ts'
import { deviations } from '../conformance/deviations.ts'
import { type Runtime, runtimes, type Transport } from '../conformance/runtimes.ts'
import { type Server, startServer } from '../conformance/server.ts'
import { Middleman } from './middleman.ts'
import type { Sinner } from './sin.ts'
import { endings, sinners } from './sinners.ts'

/** HTTP/2 is the native engine's alone. */
const isHttp2 = ({ id }: Pick<Case, 'id'>) => id.startsWith('h2-')
const saintOf = (theCase: Case): Runtime => runtimes[isHttp2(theCase) ? 'node' : 'node-hangup']
const transportOf = ({ transports }: Case): Transport => (transports?.includes('tcp') === false ? 'tls' : 'tcp')
const ownsProcess = ({ requires }: Case) => requires?.includes('own-process') ?? false
const isLight = (theCase: Case) => !theCase.heavy && !ownsProcess(theCase)

/** Its server is shared by all cases of that name. */
const serverOf = (theCase: Case) =>
  `${saintOf(theCase) === runtimes.node ? 'h2 ' : ''}${theCase.profile} ${transportOf(theCase)}`

/**
 * They find the middleman out: by his address, or because he does not hear an RST while he waits
 * for a slow reader.
 */
const seesMiddleman = ({ id }: Case) => id === 'whoami' || id.startsWith('reader-stalls')

/** What the application is asked by others at the same time is counted, too. */
const countsWhatRuns = ({ theCase }: Run) => theCase.steps.some((step) => 'counted' in step)

/**
 * Not seen in time, or too late for a machine that is busy with something else. A sinner's pass is
 * final if it was seen in time, and so is what can't be judged here, and a neighbour's failure of a
 * sin that it is known to see.
 */
function asksAgain({ sinner, theCase, result }: Run): boolean {
  if (result?.verdict === 'not-judged' || sinners[sinner ?? '']?.also?.includes(theCase.id)) return false
  if (theCase.id !== sinner) return result?.verdict !== 'pass'
  // So late ourselves that the window was as wide as it gets: nothing is said by an end inside it,
  // nor by one that was to be missing. It may have come while nobody looked.
  const isBlurred = result?.verdict === 'pass' && (result.expected?.lagMs ?? forgivenLagMs) >= forgivenLagMs
  return isBlurred || /^(harness|setup)-failed$/.test(result?.verdict ?? '')
}

/** The sinners of a table's rules are alike: one is caught by its neighbours, too. */
const rules: ReadonlySet<string> = new Set(h2Rules.map(({ id }) => id))

/**
 * Why no server here keeps this rule: node:http2 is known not to, or what it does is only written
 * down.
 */
export function unkept({ id, level }: Pick<Case, 'id' | 'level'>): string | null {
  if (!isHttp2({ id })) return null
  const known = deviations.node.find(({ cases }) => cases.includes(id))
  return known?.what ?? (rules.has(id) && level === 'observe' ? 'it is only written down' : null)
}

/** The ones before and after it among those that its server is started for. */
export function neighboursOf(theCase: Case): readonly Case[] {
  if (!isLight(theCase) || rules.has(theCase.id)) return []
  const row = cases.filter((one) => serverOf(one) === serverOf(theCase) && isLight(one))
  const at = row.indexOf(theCase)
  return [row[at - 1], row[at + 1]].filter((one) => one !== undefined && !seesMiddleman(one)) as Case[]
}

/** What can be wrong with the end that a case waits for, unless it would take that, too. */
export function endingsOf(theCase: Case): readonly string[] {
  const waits = theCase.steps.findLast((step) => 'closes' in step)
  if (!isLight(theCase) || !waits || !('by' in waits.closes.due)) return []
  const accepts = waits.closes.accept.join()
  const { steps } = theCase
  const lastSaid = steps.findLastIndex((step) => 'answer' in step || 'received' in step || 'frame' in step)
  const speaksLast = lastSaid > steps.findLastIndex((step) => 'send' in step || 'h2' in step)
  // What is early between two parts of an answer is before the end that the case is about.
  const pauses = steps.some((step) => 'answer' in step) && JSON.stringify(steps).includes('{stream}')
  return (
    Object.entries(endings)
      .filter(([, { end }]) => !(end === 'reset' && accepts.includes('reset')))
      // Inside TLS, a stream or a session it is not to be read as an answer.
      .filter(([, { lastWords }]) => !lastWords || (transportOf(theCase) === 'tcp' && !accepts.includes('partial')))
      .filter(([, { hangsUp }]) => !hangsUp || (!pauses && (hangsUp.from === 'said') === speaksLast))
      .map(([name]) => name)
  )
}

const servers = new Map<string, Server>()

async function sharedServer(theCase: Case): Promise<Server> {
  return servers.get(serverOf(theCase)) as Server
}

async function withServer<T>(theCase: Case, { process: sin }: Sinner, use: (server: Server) => Promise<T>): Promise<T> {
  if (!ownsProcess(theCase)) return use(await sharedServer(theCase))
  const saint = saintOf(theCase)
  const command = sin ? ['node', 'test/probe/shim.ts', JSON.stringify(sin), ...saint.command] : saint.command
  const server = await startServer({ ...saint, command }, theCase.profile, transportOf(theCase))
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

async function judged(theCase: Case, sinner: Sinner): Promise<CaseRun> {
  return withServer(theCase, sinner, async ({ target }) => {
    if (!sinner.wire) return runCase(theCase, target)
    const middleman = await Middleman.listen(sinner.wire, { port: target.port, opensTls: isHttp2(theCase) })
    try {
      return await runCase(theCase, { ...target, port: middleman.port } satisfies Target)
    } finally {
      middleman.close()
    }
  })
}

export interface Run {
  readonly sinner: string | null
  /** How its end comes instead of how the table says. */
  readonly ending?: string
  readonly theCase: Case
  result?: CaseRun
}

export const runs: readonly Run[] = cases.flatMap((theCase): Run[] => [
  ...(unkept(theCase) === null ? [{ sinner: null, theCase }] : []),
  { sinner: theCase.id, theCase },
  ...endingsOf(theCase).map((ending) => ({ sinner: theCase.id, ending, theCase })),
  ...neighboursOf(theCase).map((neighbour) => ({ sinner: theCase.id, theCase: neighbour })),
])

async function carryOut(run: Run): Promise<void> {
  const sinner = run.sinner === null ? {} : (sinners[run.sinner] ?? {})
  const { when } = sinner.wire ?? {}
  const wire = run.ending === undefined ? sinner.wire : { ...(when && { when }), ...endings[run.ending] }
  run.result = await judged(run.theCase, { ...sinner, ...(wire && { wire }) })
}

/** Between two starts, so that neither side is busy with handshakes when a clock begins. */
const staggerMs = 15
const ownAtOnce = 4
const heavyAtOnce = 3
const rulesAtOnce = 8
/**
 * On a machine that is busy with something else it has to be asked more than once; on another,
 * never.
 */
const againAtOnce = [20, 20, 10, 5]

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** All, one started after another. */
async function atOnce(some: readonly Run[]): Promise<void> {
  await Promise.all(some.map((run, number) => sleep(number * staggerMs).then(() => carryOut(run))))
}

/** So many at a time. */
async function inTurn(some: readonly Run[], atOnce: number): Promise<void> {
  const waiting = [...some]
  const next = async () => {
    for (let run = waiting.shift(); run; run = waiting.shift()) await carryOut(run)
  }
  await Promise.all(Array.from({ length: atOnce }, next))
}

export async function runAll(): Promise<void> {
  const shared = new Map(cases.filter((one) => !ownsProcess(one)).map((one) => [serverOf(one), one]))
  try {
    const start = async ([name, one]: [string, Case]) => {
      servers.set(name, await startServer(saintOf(one), one.profile, transportOf(one)))
    }
    await Promise.all([...shared].map(start))
    const light = runs.filter(({ theCase }) => isLight(theCase))
    const counting = light.filter(countsWhatRuns)
    const ruling = light.filter(({ theCase }) => rules.has(theCase.id))
    const others = light.filter((run) => !countsWhatRuns(run) && !ruling.includes(run))
    await Promise.all([atOnce(others), inTurn(counting, 1)])
    // They are judged at once, and would keep those that measure time from doing so.
    await inTurn(ruling, rulesAtOnce)
    const own = runs.filter(({ theCase }) => !isLight(theCase) && !theCase.heavy)
    const heavy = runs.filter(({ theCase }) => theCase.heavy)
    await Promise.all([inTurn(own, ownAtOnce), inTurn(heavy, heavyAtOnce)])
    for (const atOnce of againAtOnce) await inTurn(runs.filter(asksAgain), atOnce)
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}
