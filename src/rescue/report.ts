/** What rescue found and did, for a terminal and for programs. */
import { table } from '../command/text-table.ts'
import type { Kind } from './judge.ts'
import type { Exhausted, Outcome } from './rescue.ts'
import type { Client, Survey } from './survey.ts'

const ages: readonly { readonly below: number; readonly name: string }[] = [
  { below: 5_000, name: '< 5s' },
  { below: 60_000, name: '5s–1m' },
  { below: 600_000, name: '1m–10m' },
  { below: 3_600_000, name: '10m–1h' },
  { below: Number.POSITIVE_INFINITY, name: '> 1h' },
]

const kinds: Readonly<Record<Kind, string>> = {
  idle: 'idle',
  unanswered: 'in a request, or stopped in a head',
  busy: 'bytes in transit',
  'close-wait': 'left by its client, not closed by the server (CLOSE_WAIT)',
}

/** Connections by what they do and for how long, in the order of `ages`. */
function histogram(clients: readonly Client[]): Record<Kind, number[]> {
  const counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, ages.map(() => 0)])) as Record<
    Kind,
    number[]
  >
  for (const { verdict } of clients) {
    const at = ages.findIndex(({ below }) => verdict.quietMs < below)
    counts[verdict.kind][at]! += 1
  }
  return counts
}

function ago(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.floor(ms / 1_000)}s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m`
  return `${Math.floor(ms / 3_600_000)}h${Math.floor((ms % 3_600_000) / 60_000)}m`
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

export function surveyText(found: Survey, why: Exhausted, width: number): string {
  const { processes, ports, clients, acceptQueue, backlog, hiddenOwner } = found
  const lines = processes.map(
    ({ pid, name, descriptors, limit }) => `  ${pid}  ${descriptors} of ${limit} descriptors in use  ${name}`,
  )
  if (hiddenOwner !== null)
    lines.push(`  of a process of user ${hiddenOwner}, which this user may not inspect: its descriptors cannot be seen`)
  const counts = histogram(clients)
  const rows = (Object.keys(kinds) as Kind[])
    .filter((kind) => counts[kind].some((count) => count > 0))
    .map((kind) => [kinds[kind], ...counts[kind].map((count) => (count === 0 ? '·' : String(count)))])
  return [
    `port ${ports.join(', ')}: ${plural(clients.length, 'connection')}, ${acceptQueue} of ${backlog} waiting to be accepted`,
    ...lines,
    ...(rows.length === 0 ? [] : ['', ...table([['quiet for', ...ages.map(({ name }) => name)], ...rows], width)]),
    ...(why === null
      ? []
      : ['', `out of ${why}${why === 'workers' ? ': connections wait to be accepted, and no worker is busy' : ''}`]),
    '',
  ].join('\n')
}

export function planText(chosen: readonly Client[], idleMs: number): string {
  if (chosen.length === 0) return `no connection has been idle for ${ago(idleMs)} or longer: nothing to close\n`
  const longest = Math.max(...chosen.map(({ verdict }) => verdict.quietMs))
  return `${plural(chosen.length, 'connection')} to close, idle for ${ago(idleMs)} or longer, the longest for ${ago(longest)}\n`
}

export function outcomeText({ ended, way }: Outcome, after: Survey, why: Exhausted): string {
  const { closed, raced, spared, gone } = ended
  const how = way === 'reset' ? ' by RST (SOCK_DESTROY, because their descriptors cannot be borrowed)' : ''
  const rest = [
    ...(raced > 0 ? [`${raced} of them as a request came: it is lost`] : []),
    ...(spared > 0 ? [`${spared} left alone: a request had come`] : []),
    ...(gone > 0 ? [`${gone} were gone`] : []),
  ]
  const now =
    after.hiddenOwner !== null
      ? 'cannot be seen'
      : after.processes.map(({ pid, descriptors, limit }) => `${pid}: ${descriptors} of ${limit}`).join(', ')
  return [
    `closed ${plural(closed + raced, 'connection')}${how}${rest.length > 0 ? `; ${rest.join('; ')}` : ''}`,
    `descriptors in use now: ${now}`,
    ...(why === null ? [] : [`still out of ${why}: a shorter --idle frees more`]),
    '',
  ].join('\n')
}

export function surveyJson(
  { processes, ports, clients, acceptQueue, backlog, hiddenOwner, tookMs }: Survey,
  why: Exhausted,
) {
  return {
    ports,
    processes: processes.map(({ pid, name, descriptors, limit, sleeps }) => ({
      pid,
      name,
      descriptors,
      limit,
      sleeps,
    })),
    hiddenOwner,
    tookMs: Math.round(tookMs * 10) / 10,
    acceptQueue,
    backlog,
    exhausted: why,
    quietBelowMs: ages.map(({ below }) => (Number.isFinite(below) ? below : null)),
    connections: histogram(clients),
  }
}
