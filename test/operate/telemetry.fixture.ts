/**
 * An OpenTelemetry SDK as a program registers it before everything else; each span and each metric
 * is a line of JSON on standard error.
 */
import { writeSync } from 'node:fs'
import { metrics, propagation, trace } from '@opentelemetry/api'
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const tell = (line: object): void => void writeSync(2, `${JSON.stringify(line)}\n`)

trace.setGlobalTracerProvider(
  new BasicTracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({
        export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
          for (const span of spans) {
            const { name, kind, attributes, parentSpanContext, status } = span
            const { traceId, spanId } = span.spanContext()
            tell({ span: name, kind, attributes, status, traceId, spanId, parent: parentSpanContext?.spanId ?? null })
          }
          done({ code: ExportResultCode.SUCCESS })
        },
        shutdown: async () => {},
      }),
    ],
  }),
)
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
metrics.setGlobalMeterProvider(
  new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exportIntervalMillis: 300,
        exportTimeoutMillis: 300,
        exporter: {
          export({ scopeMetrics }: ResourceMetrics, done: (result: ExportResult) => void) {
            for (const { descriptor, dataPoints } of scopeMetrics.flatMap((scope) => scope.metrics)) {
              for (const { attributes, value } of dataPoints) {
                tell({ metric: descriptor.name, unit: descriptor.unit, attributes, value })
              }
            }
            done({ code: ExportResultCode.SUCCESS })
          },
          selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      }),
    ],
  }),
)
