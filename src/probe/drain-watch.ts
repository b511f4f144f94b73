import process from 'node:process'
import { isAlive } from '../kernel/process.ts'
import { systemClock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { format } from '../policy/units.ts'
import type { Case } from './case.ts'
import { authorityOf, Connection } from './client/client.ts'
import type { Finding, Question } from './find/discover.ts'
import { fillPages } from './find/routes.ts'
import type { Judged, Site } from './probing.ts'
import type { CaseRun } from './run.ts'

const question: Question = {
  case: 'drain',
  name: 'drain',
  gives: ['drainTimeoutMs'],
  leak: 'after SIGTERM the process did not end',
  cost: 'whoever deploys it waits for SIGKILL, which answers nobody',
}

const drainCase: Case = {
  id: question.case,
  level: 'policy',
  title: 'After SIGTERM what is in flight is answered, what is idle is closed, and the process ends',
  why: 'A deployment must not cost a request, and a connection that nobody uses must not hold it up.',
  spec: ['RFC 9112 9.6'],
  profile: 'drain',
  requires: ['process'],
  steps: [{ signal: 'SIGTERM' }],
}

/** What the handler of the request in flight has still to do when the signal comes. */
const busyMs = 1_500
const pollMs = 50

/** What was seen until the process was gone, the limit was up, or `stop` came. */
export interface Seen {
  readonly exitMs: number | null
  readonly refusedMs: number | null
  readonly idle: { readonly end: string; readonly ms: number | null }
  /** Null: there was no page that takes its time, or we were so late that it had. */
  readonly busy: 'answered' | 'answered, told to close' | 'lost' | null
}

export async function watchDrain(site: Site, pid: number, limitMs: number, stop: AbortSignal): Promise<Seen> {
  const { clock = systemClock } = site
  const opened: Connection[] = []
  const open = async (request: string) => {
    const connection = await Connection.open(site)
    opened.push(connection)
    connection.send(`${request} HTTP/1.1\r\nHost: ${authorityOf(site)}\r\n\r\n`)
    return connection
  }
  try {
    const idle = await open(fillPages('GET {hello}', site.paths, site.foreign))
    await idle.until(() => idle.reader.answers.length > 0 || idle.end !== 'open', clock.now() + 5_000)
    const slow = site.paths.slow ?? site.paths.stream
    const page = site.paths.slow === undefined ? '{stream}' : '{slow}'
    const busy = slow === undefined ? null : await open(fillPages(`GET ${page}?ms=${busyMs}`, site.paths, site.foreign))
    await sleep(busyMs / 5, clock)
    const wasEarly = busy !== null && busy.reader.answers.length > 0
    const fromMs = clock.now()
    process.kill(pid, 'SIGTERM')
    let exitMs: number | null = null
    let refusedMs: number | null = null
    while (clock.now() - fromMs < limitMs && !stop.aborted) {
      refusedMs ??= (await isRefused(site)) ? clock.now() - fromMs : null
      if (!isAlive(pid)) {
        exitMs = clock.now() - fromMs
        break
      }
      await sleep(pollMs, clock)
    }
    // What the kernels still hold of an answer may come after the process.
    await sleep(pollMs, clock)
    const [answer] = busy?.reader.answers ?? []
    const told = /(^|,)\s*close\s*(,|$)/i.test(answer?.headers.get('connection') ?? '')
    return {
      exitMs,
      refusedMs,
      idle: { end: idle.end, ms: idle.endedMs === null ? null : idle.endedMs - fromMs },
      busy: busy === null || wasEarly ? null : !answer ? 'lost' : told ? 'answered, told to close' : 'answered',
    }
  } finally {
    for (const connection of opened) connection.destroy()
  }
}

/** What a drain that was watched says of the server. */
export function drainOf(seen: Seen, limitMs: number): { finding: Finding; judged: Judged } {
  const { exitMs, refusedMs, idle, busy } = seen
  const at = (ms: number | null) => (ms === null ? '' : ` at ${(ms / 1_000).toFixed(2)} s`)
  const story = [
    ...(busy === null ? [] : [`in flight: ${busy}`]),
    `idle: ${idle.end}${at(idle.ms)}`,
    refusedMs === null ? 'new connections: accepted' : `new connections: refused${at(refusedMs)}`,
  ].join('; ')
  const ended = exitMs !== null
  const finding: Finding = {
    question,
    kind: ended ? 'found' : 'leak',
    fromMs: exitMs,
    toMs: exitMs,
    end: ended ? 'exit' : 'running',
    reason: ended ? story : `still running after ${format('duration', limitMs)}; ${story}`,
    watchedMs: ended ? null : limitMs,
  }
  const reason = ended ? (busy === 'lost' ? `the request in flight is lost; ${story}` : null) : finding.reason
  const run: CaseRun = {
    id: drainCase.id,
    verdict: reason === null ? 'pass' : 'fail',
    observed: ended ? 'exit' : 'running',
    observedMs: exitMs,
    expected: null,
    reason,
    tookMs: exitMs ?? limitMs,
    timelines: [],
  }
  return { finding, judged: { case: drainCase, run } }
}

async function isRefused(site: Site): Promise<boolean> {
  try {
    const connection = await Connection.open(site, { bare: true, timeoutMs: 500 })
    connection.destroy()
    return false
  } catch {
    return true
  }
}
