/** One probe from its first look to its report. */
import { isAlive } from '../kernel/process.ts'
import { type Clock, systemClock } from '../lifecycle/clock.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Case } from './case.ts'
import type { Address, Connection } from './client/client.ts'
import { destination } from './client/destination.ts'
import { descriptorLimitOf } from './client/kernel.ts'
import type { ParsedUrl } from './client/url.ts'
import { drainOf, watchDrain } from './drain-watch.ts'
import { besideCase, besideRun, type Capacity, capacityOf } from './find/capacity.ts'
import { checkCertificate, listeningOn, type Preflight, preflight } from './find/preflight.ts'
import { judgedBehind } from './judge/behind.ts'
import { isThere, judgedGone } from './judge/survives.ts'
import { type Judged, type Outcome, probe, type Site } from './probing.ts'
import { reportOf } from './reports/probed.ts'
import type { Report } from './reports/report.ts'
import type { ProbeRequest } from './request.ts'
import type { CaseRun } from './run.ts'

export interface Asking {
  /**
   * Before there is anything to report: rejects with its reason. Later: ends every connection, and
   * reports.
   */
  readonly signal: AbortSignal
  /**
   * Told when the first look is over. `serves`: as many clients as the server serves at once, where
   * that is few.
   */
  readonly begun?: (url: string, serves: number | null) => void
  readonly watch?: (theCase: Case, state: 'running' | CaseRun) => void
  /** Default: the system's, as both. */
  readonly clock?: Clock
  readonly date?: () => Date
}

/** Rejects with a `ConfigError` or an `UnreachableError` where there is nothing to ask. */
export async function ask(
  request: ProbeRequest,
  { signal, begun, watch, clock = systemClock, date = () => new Date() }: Asking,
): Promise<Report> {
  const { target, paths, expected, behind, limitMs, choice, pid, nameOf } = request
  const startedAt = date()
  const { address, seen, capacity } = await lookAt(request, signal, clock)
  const serves = capacity.full === null ? null : Math.max(1, Math.min(capacity.beside, request.connections))
  const site: Site = { ...address, paths, foreign: seen.foreign, local: seen.local, pid, vanish: request.vanish }
  const url = urlOf(target)
  begun?.(url, serves)

  const fromMs = clock.now()
  let outcome: Outcome = await probe({
    ...{ site, choice, expected, limitMs, hintMs: seen.hintMs, serves, nameOf },
    connections: serves ?? request.connections,
    stop: signal,
    ...(watch && { watch }),
  })
  const add = (judged: Judged, place: 'first' | 'last') => {
    watch?.(judged.case, judged.run)
    const rest = outcome.judged
    outcome = { ...outcome, judged: place === 'first' ? [judged, ...rest] : [...rest, judged] }
  }
  if (choice.isChosen(besideCase)) add({ case: besideCase, run: besideRun(capacity) }, 'first')
  if (behind.length > 0) outcome = judgedBehind(outcome, behind, nameOf)
  if (outcome.cutShort === null && !(await isThere(site))) outcome = judgedGone(outcome)
  if (request.drain && pid !== undefined && outcome.cutShort === null) {
    const { finding, judged } = drainOf(await watchDrain(site, pid, limitMs, signal), limitMs)
    add(judged, 'last')
    outcome = { ...outcome, findings: [...outcome.findings, finding] }
  }
  return reportOf({
    ...outcome,
    ...{ url, server: seen.server, startedAt, tls: target.tls, source: sourceOf(request) },
    tookMs: clock.now() - fromMs,
    descriptorLimit: descriptorLimitOf(pid),
  })
}

interface FirstLook {
  readonly address: Address
  readonly seen: Preflight
  readonly capacity: Capacity
}

async function lookAt(request: ProbeRequest, signal: AbortSignal, clock: Clock): Promise<FirstLook> {
  const { target, paths, pid, insecure, ca, iMayTestThisHost = false, nameOf } = request
  signal.throwIfAborted()
  if (pid !== undefined && !isAlive(pid)) {
    throw new ConfigError([problem(nameOf('pid'), String(pid), 'there is no such process', 'a process id')])
  }
  const opened = new Set<Connection>()
  const watched = {
    opened: (connection: Connection) => {
      if (signal.aborted) connection.abandon()
      else opened.add(connection)
    },
  }
  const look = async (): Promise<FirstLook> => {
    const ips = await destination(target.host, iMayTestThisHost, undefined, nameOf)
    const asked = { host: target.host, port: target.port, tls: target.tls, clock }
    const address: Address = { ...asked, ip: await listeningOn(ips, { ...asked, ...watched }) }
    if (target.tls && !insecure) await checkCertificate(address, ca, nameOf)
    const seen = await preflight({ ...address, ...watched }, paths, nameOf)
    const capacity = await capacityOf({ ...address, ...watched }, paths.hello ?? '/', request.connections - 1)
    return { address, seen, capacity }
  }
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([look(), stopped])
  } finally {
    signal.removeEventListener('abort', stop)
    for (const connection of opened) connection.abandon()
  }
}

function sourceOf({ expected, behind, nameOf }: ProbeRequest): string {
  if (expected) return nameOf('expect')
  return behind.length > 0 ? `measured, ${nameOf('behind')} ${behind.map(({ name }) => name).join(',')}` : 'measured'
}

export function urlOf({ host, port, tls }: ParsedUrl): string {
  return `http${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
