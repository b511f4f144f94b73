/** Readings as Prometheus reads them. */
import { type Metric as PromMetric, Registry } from 'prom-client'
import type { HistogramReading } from './histogram.ts'
import type { Labels, Reading } from './reading.ts'

interface Line {
  readonly metricName?: string
  readonly labels: Labels
  readonly value: number
}

/**
 * A name may be among them twice, as with two servers in one process: its samples are told
 * together.
 */
export async function exposition(readings: readonly Reading[]): Promise<{ text: string; contentType: string }> {
  const registry = new Registry()
  const lines = new Map<string, Line[]>()
  for (const reading of readings) {
    const { name, help, type } = reading
    const known = lines.get(name)
    const values = known ?? []
    for (const line of linesOf(reading)) values.push(line)
    if (known !== undefined) continue
    lines.set(name, values)
    // What a registry asks of a metric is its name and `get`; its own metrics count, and ours are counted already.
    const metric = { name, get: () => ({ name, help, type, values }) }
    registry.registerMetric(metric as object as PromMetric)
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}

const linesOf = (reading: Reading): readonly Line[] =>
  reading.type === 'histogram'
    ? reading.samples.flatMap(({ labels, value }) => bucketsOf(reading.name, labels, value))
    : reading.samples

function bucketsOf(name: string, labels: Labels, { bounds, counts, count, sum }: HistogramReading): Line[] {
  return [
    ...bounds.map((le, at) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: counts[at]! })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
