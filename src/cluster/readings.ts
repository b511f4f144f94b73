/** The metrics of several processes as those of one server. */
import { type HistogramReading, sumOfHistograms } from '../observe/histogram.ts'
import { type Labels, labelled, type Metric, type Reading, readAll, type Sample } from '../observe/reading.ts'

export interface WorkerReadings {
  readonly worker: number
  readonly readings: readonly Reading[]
}

interface ClusterFigures {
  readonly ready: number
  readonly restarted: number
}

export const clusterMetrics: readonly Metric<ClusterFigures>[] = [
  {
    name: 'hangup_workers_ready',
    type: 'gauge',
    labels: [],
    help: 'Workers that serve.',
    read: ({ ready }) => [{ labels: {}, value: ready }],
  },
  {
    name: 'hangup_worker_restarts_total',
    type: 'counter',
    labels: [],
    help: 'Workers that died by themselves, in whose place others were started.',
    read: ({ restarted }) => [{ labels: {}, value: restarted }],
  },
]

export const clusterReadings = (figures: ClusterFigures): Reading[] => readAll(clusterMetrics, figures)

/**
 * What counts, and goes on growing, is added up: `past` is of workers that have ended. What is now
 * is each worker’s own, under its label.
 */
export function mergeReadings(workers: readonly WorkerReadings[], past: readonly Reading[]): Reading[] {
  const merged = new Map<string, Reading>()
  const add = (reading: Reading, labels: Labels): void => {
    const known = merged.get(reading.name)
    const [more] = labelled([reading], labels)
    merged.set(reading.name, known === undefined ? more! : joined(known, more!))
  }
  for (const { worker, readings } of workers) {
    for (const reading of readings) add(reading, reading.type === 'gauge' ? { worker } : {})
  }
  for (const reading of past) add(reading, {})
  return [...merged.values()]
}

/** Both of one metric. */
function joined(a: Reading, b: Reading): Reading {
  if (a.type === 'histogram')
    return { ...a, samples: added(a.samples, b.samples as Sample<HistogramReading>[], sumOfHistograms) }
  return { ...a, samples: added(a.samples, b.samples as Sample<number>[], (x, y) => x + y) }
}

function added<Value extends number | HistogramReading>(
  a: readonly Sample<Value>[],
  b: readonly Sample<Value>[],
  sum: (x: Value, y: Value) => Value,
): Sample<Value>[] {
  const samples = new Map<string, Sample<Value>>()
  for (const sample of [...a, ...b]) {
    const key = JSON.stringify(Object.entries(sample.labels).sort())
    const known = samples.get(key)
    samples.set(key, known === undefined ? sample : { ...sample, value: sum(known.value, sample.value) })
  }
  return [...samples.values()]
}
