/**
 * The same metrics through OpenTelemetry's API: where they go, OTLP as a rule, is the SDK's part.
 */
import type { Attributes, Observable } from '@opentelemetry/api'
import { version } from '../version.ts'
import { latenessBounds, lifetimeBounds } from './observer.ts'
import type { OpenTelemetry, Shelter } from './open-telemetry.ts'
import type { Labels, Reading } from './reading.ts'
import { reasonLabels } from './reason-labels.ts'
import { requestBounds } from './request-totals.ts'
import type { Measured } from './server-metrics.ts'

/** One server, or a listener of a gateway, and what tells it from the others. */
export interface Exported {
  readonly server: Measured
  readonly labels?: Labels
}

/**
 * The names of OpenTelemetry's conventions have dots where Prometheus has `_`; ours begin with
 * `hangup.`.
 */
function nameOf({ name, type }: Pick<Reading, 'name' | 'type'>): string {
  if (name === 'http_server_active_requests') return 'http.server.active_requests'
  const bare = type === 'counter' ? name.replace(/_total$/, '') : name
  return bare.replace(/_bytes$/, '').replace(/^(hangup|process)_/, '$1.')
}

const attributesOf = (labels: Labels): Attributes =>
  Object.fromEntries(Object.entries(labels).map(([label, value]) => [label.replace(/^url_/, 'url.'), value]))

/**
 * Numbers are read when the SDK collects; durations are told as they come. Returns what ends both.
 */
export function exportMetrics(
  { metrics }: Pick<OpenTelemetry, 'metrics'>,
  sheltered: Shelter,
  read: () => readonly Reading[],
  servers: readonly Exported[],
): () => void {
  const meter = metrics.getMeter('hangup', version)
  const observables = new Map<string, Observable>()
  for (const { name, type, help } of read()) {
    if (type === 'histogram') continue
    const options = { description: help, ...(/_bytes$/.test(name) && { unit: 'By' }) }
    const made = nameOf({ name, type })
    if (type === 'counter') observables.set(name, meter.createObservableCounter(made, options))
    else if (made.startsWith('http.')) observables.set(name, meter.createObservableUpDownCounter(made, options))
    else observables.set(name, meter.createObservableGauge(made, options))
  }
  const collect = (result: { observe: (observable: Observable, value: number, attributes: Attributes) => void }) => {
    for (const { name, type, samples } of read()) {
      const observable = observables.get(name)
      if (type === 'histogram' || observable === undefined) continue
      for (const { labels, value } of samples) result.observe(observable, value, attributesOf(labels))
    }
  }
  const all = [...observables.values()]
  meter.addBatchObservableCallback(collect, all)
  const durations = (name: string, description: string, bounds: readonly number[]) => {
    const advice = { explicitBucketBoundaries: [...bounds] }
    const histogram = meter.createHistogram(name, { description, unit: 's', advice })
    return (seconds: number, attributes: Attributes) => void sheltered(() => histogram.record(seconds, attributes))
  }
  const requests = durations('http.server.request.duration', 'Duration of HTTP server requests.', requestBounds)
  const lifetimes = durations('hangup.connection_duration', 'How long connections were open.', lifetimeBounds)
  const lateness = durations('hangup.close_lateness', 'How late limits were executed.', latenessBounds)
  const stops = servers.flatMap(({ server: { observer, url }, labels = {} }) => {
    const scheme = url.startsWith('https') ? 'https' : 'http'
    return [
      observer.requests.onAnswered((method, status, seconds) =>
        requests(seconds, {
          ...labels,
          'http.request.method': method,
          'http.response.status_code': status,
          'url.scheme': scheme,
          ...(status >= 500 && { 'error.type': String(status) }),
        }),
      ),
      observer.onEnd(({ by, phase, why, openedAt, endedAt }) =>
        lifetimes((endedAt - openedAt) / 1_000, { ...labels, by, phase, reason: reasonLabels[why] }),
      ),
      observer.onLate((seconds) => lateness(seconds, { ...labels })),
    ]
  })
  return () => {
    meter.removeBatchObservableCallback(collect, all)
    for (const stop of stops) stop()
  }
}
