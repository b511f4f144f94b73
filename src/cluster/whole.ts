/**
 * All workers as one server, for its operator: what each says of itself, added up. What a worker
 * has counted stays counted when it has ended.
 */
import type { Administered } from '../admin/routes.ts'
import type { Phase } from '../lifecycle/drain.ts'
import { recordedEnds } from '../observe/flight-recorder.ts'
import { sumOfHistograms } from '../observe/histogram.ts'
import { sumOfLost } from '../observe/lost-requests.ts'
import { type ConnectionView, type DescriptorsInUse, isIdOf, type ListOptions } from '../observe/observer.ts'
import type { Reading } from '../observe/reading.ts'
import type { Policy } from '../policy/policy.ts'
import type { ConnectionsSummary } from '../serve/contract.ts'
import { emptySummary, summaryOf } from '../serve/summary.ts'
import type { Cluster } from './cluster.ts'
import type { WorkerStart } from './messages.ts'
import type { Report } from './questions.ts'
import { clusterReadings, mergeReadings } from './readings.ts'
import { statusOf } from './upstreams.ts'
import type { WorkerProcess } from './worker-process.ts'

export class Whole {
  readonly #cluster: Cluster
  readonly #policy: Policy
  /** Of workers that have ended: what they had counted. */
  #past: Report | null = null

  readonly #isGateway: boolean

  constructor(cluster: Cluster, policy: Policy, isGateway: boolean) {
    this.#cluster = cluster
    this.#policy = policy
    this.#isGateway = isGateway
  }

  /** It has ended. */
  retire({ last }: WorkerProcess): void {
    if (last === null) return
    const over = { ...last, connections: [], descriptors: null, upstreams: null, summary: overOf(last.summary) }
    const readings = (last.readings ?? []).filter(({ type }) => type !== 'gauge')
    this.#past = this.#past === null ? { ...over, readings } : sumOf([this.#past, { ...over, readings }])
  }

  administered({ urls, engine }: WorkerStart): Administered {
    const whole = this
    const policy = this.#policy
    return {
      url: urls.join(' '),
      engine,
      get phase() {
        return whole.#phase
      },
      /** The limit is each worker's. */
      get policy() {
        const count = whole.#cluster.workers.filter(({ leaves }) => !leaves).length
        return { ...policy, maxConnections: policy.maxConnections * count }
      },
      connections: () => whole.#sum.summary,
      drain: (how) => whole.#cluster.drain(how),
      readings: () => whole.#readings(),
      ...(this.#isGateway && { upstreams: () => statusOf(this.#reports.flatMap(({ upstreams }) => upstreams ?? [])) }),
      refresh: async ({ connections = 100, readings = false } = {}) => {
        await Promise.all(whole.#cluster.workers.map((worker) => worker.look(connections, readings)))
      },
      observer: {
        requests: { areRead: true },
        get openedCount() {
          return whole.#sum.opened
        },
        get lost() {
          return whole.#sum.lost
        },
        lifetimes: () => [...whole.#sum.lifetimes],
        lateness: () => whole.#sum.lateness,
        ends: () => [...whole.#sum.ends],
        descriptors: () => whole.#sum.descriptors,
        list: (options) => whole.#list(options),
        one: async (id) => (await whole.#workerOf(id)?.ask({ ask: 'one', id })) ?? null,
        close: async (id) => (await whole.#workerOf(id)?.ask({ ask: 'close', id })) ?? false,
        closeIdle: async () => {
          const closed = await Promise.all(whole.#cluster.workers.map((worker) => worker.ask({ ask: 'closeIdle' })))
          return closed.reduce<number>((sum, count) => sum + (count ?? 0), 0)
        },
      },
    }
  }

  get #phase(): Phase {
    if (!this.#cluster.isEnding) return 'serving'
    const phases = this.#reports.map(({ phase }) => phase)
    return phases.find((phase) => phase !== 'serving' && phase !== 'closed') ?? 'closing'
  }

  get #reports(): Report[] {
    return this.#cluster.workers.flatMap(({ last }) => last ?? [])
  }

  get #sum(): Report {
    return sumOf([...(this.#past === null ? [] : [this.#past]), ...this.#reports])
  }

  #list({ limit = 100, state }: ListOptions = {}): ConnectionView[] {
    return this.#sum.connections
      .filter((connection) => state === undefined || connection.state === state)
      .sort((a, b) => b.forMs - a.forMs)
      .slice(0, limit)
  }

  #workerOf(id: number): WorkerProcess | undefined {
    return this.#cluster.workers.find(({ number }) => isIdOf(id, number))
  }

  #readings(): Reading[] {
    const ofWorkers = this.#cluster.workers.map(({ number, last }) => ({
      worker: number,
      readings: last?.readings ?? [],
    }))
    return [
      ...clusterReadings({
        ready: this.#cluster.workers.filter(({ isReady, leaves }) => isReady && !leaves).length,
        restarted: this.#cluster.restarted,
      }),
      ...mergeReadings(ofWorkers, this.#past?.readings ?? []),
    ]
  }
}

/** Nobody is open in it any more. */
const overOf = (summary: ConnectionsSummary): ConnectionsSummary => ({ ...summary, open: 0, busy: 0, states: {} })

function sumOf(reports: readonly Report[]): Report {
  const lateness = reports.map(({ lateness }) => lateness)
  return {
    summary: reports.length === 0 ? emptySummary : summaryOf(reports.map(({ summary }) => summary)),
    phase: 'serving',
    opened: reports.reduce((sum, { opened }) => sum + opened, 0),
    descriptors: fullest(reports.flatMap(({ descriptors }) => descriptors ?? [])),
    connections: reports.flatMap(({ connections }) => connections),
    ends: reports
      .flatMap(({ ends }) => ends)
      .sort((a, b) => b.endedAt - a.endedAt)
      .slice(0, recordedEnds),
    lifetimes: lifetimesOf(reports),
    lateness: lateness.length === 0 ? { bounds: [], counts: [], count: 0, sum: 0 } : lateness.reduce(sumOfHistograms),
    lost: sumOfLost(reports.map(({ lost }) => lost)),
    readings: mergeReadings(
      [],
      reports.flatMap(({ readings }) => readings ?? []),
    ),
    upstreams: null,
  }
}

/** Each worker has a budget of its own: the one that is nearest to its end is told of. */
function fullest(all: readonly DescriptorsInUse[]): DescriptorsInUse | null {
  return all.reduce<DescriptorsInUse | null>(
    (most, one) => (most === null || one.used / one.limit > most.used / most.limit ? one : most),
    null,
  )
}

function lifetimesOf(reports: readonly Report[]): Report['lifetimes'] {
  const sums = new Map<string, Report['lifetimes'][number]>()
  for (const one of reports.flatMap(({ lifetimes }) => lifetimes)) {
    const key = `${one.by} ${one.phase} ${one.why}`
    const known = sums.get(key)
    sums.set(key, known === undefined ? one : { ...known, lifetime: sumOfHistograms(known.lifetime, one.lifetime) })
  }
  return [...sums.values()]
}
