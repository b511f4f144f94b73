/** What a server measures of itself, as data: the exposition and OpenTelemetry are made from it. */
import type { HistogramReading } from './histogram.ts'

export type Labels = Readonly<Record<string, string | number>>

export interface Sample<Value> {
  readonly labels: Labels
  readonly value: Value
}

interface Described {
  /** As Prometheus writes it, with its unit. */
  readonly name: string
  readonly help: string
}

interface Numbers {
  /** `counter`: only ever grows, and begins anew with the process. */
  readonly type: 'gauge' | 'counter'
  readonly samples: readonly Sample<number>[]
}

interface Durations {
  readonly type: 'histogram'
  readonly samples: readonly Sample<HistogramReading>[]
}

export type Reading = Described & (Numbers | Durations)

/** One metric of whatever it is read from: its name and labels are known without that. */
export type Metric<Of> = Described & {
  readonly labels: readonly string[]
} & (
    | { readonly type: Numbers['type']; read(of: Of): Numbers['samples'] }
    | { readonly type: Durations['type']; read(of: Of): Durations['samples'] }
  )

export function readAll<Of>(metrics: readonly Metric<Of>[], of: Of): Reading[] {
  return metrics.map((metric): Reading => {
    const { name, help } = metric
    if (metric.type === 'histogram') return { name, help, type: metric.type, samples: metric.read(of) }
    return { name, help, type: metric.type, samples: metric.read(of) }
  })
}

/** For a metric without labels; null: there is nothing to be told. */
export const one = (value: number | null): Sample<number>[] => (value === null ? [] : [{ labels: {}, value }])

/** A sample for each entry of a record. */
export const each = (label: string, values: Readonly<Record<string, number>>): Sample<number>[] =>
  Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }))

/** With more labels, which stand first. */
export const labelled = (readings: readonly Reading[], more: Labels = {}): Reading[] =>
  readings.map(
    (reading) =>
      ({
        ...reading,
        samples: reading.samples.map((sample) => ({ ...sample, labels: { ...more, ...sample.labels } })),
      }) as Reading,
  )
