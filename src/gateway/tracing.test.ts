import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import { shelter } from '../observe/open-telemetry.ts'
import type { LogLine } from '../serve/log.ts'
import { tracingOf } from './tracing.ts'

const asked = {
  method: 'MADEUP',
  path: '/a?secret=1',
  host: '[::1]:8080',
  secure: true,
  version: '1.1',
  raw: ['traceparent', 'of the client', 'Tracestate', 'a=1', 'tracestate', 'b=2', 'X-Other', 'stays'],
}

const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }

/**
 * An SDK, as far as the gateway asks it: spans are noted, and what is propagated is `traceparent`.
 */
function sdk(t: { noted: unknown[]; fails?: 'startSpan' | 'end' }) {
  const span = {
    ...trace.wrapSpanContext(spanContext),
    spanContext: () => spanContext,
    setAttribute: (name: string, value: unknown) => t.noted.push([name, value]),
    setStatus: (status: object) => t.noted.push(status),
    end() {
      if (t.fails === 'end') throw new Error('a processor failed')
      t.noted.push('end')
    },
  }
  return {
    ROOT_CONTEXT,
    SpanKind,
    SpanStatusCode,
    trace: Object.assign(Object.create(trace), {
      setSpan: trace.setSpan,
      getTracer: () => ({
        startSpan(name: string, options: object) {
          if (t.fails === 'startSpan') throw new Error('a sampler failed')
          t.noted.push(name, options)
          return span
        },
      }),
    }) as typeof trace,
    propagation: Object.assign(Object.create(propagation), {
      fields: () => ['traceparent', 'tracestate'],
      extract: (context: Context, raw: readonly string[], { get }: TextMapGetter<readonly string[]>) => {
        t.noted.push(get(raw, 'tracestate'))
        return context
      },
      inject: (_: Context, into: string[], { set }: TextMapSetter<string[]>) => set(into, 'traceparent', 'ours'),
    }) as typeof propagation,
  }
}

test('a span has no query and no made-up method, and takes the place of the client’s', () => {
  const noted: unknown[] = []
  const begun = tracingOf(
    sdk({ noted }),
    shelter(({ message }) => assert.fail(message)),
  ).begin(asked, '/a')
  assert.deepEqual(begun?.passOn(asked.raw), ['traceparent', 'ours', 'X-Other', 'stays'])
  begun?.end({ status: 503, attempts: 3, upstream: 'http://b' })
  assert.deepEqual(noted, [
    'a=1,b=2',
    'HTTP /a',
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': '_OTHER',
        'http.route': '/a',
        'url.path': '/a',
        'url.scheme': 'https',
        'server.address': '::1',
        'server.port': 8080,
        'network.protocol.version': '1.1',
      },
    },
    ['http.response.status_code', 503],
    ['hangup.upstream', 'http://b'],
    ['http.request.resend_count', 2],
    ['error.type', '503'],
    { code: SpanStatusCode.ERROR },
    'end',
  ])
})

test('an SDK that throws costs its spans, one line in the log and no request', () => {
  for (const fails of ['startSpan', 'end'] as const) {
    const lines: LogLine[] = []
    const tracing = tracingOf(
      sdk({ noted: [], fails }),
      shelter((line) => void lines.push(line)),
    )
    for (let i = 0; i < 3; i++) tracing.begin(asked, '/')?.end({ status: 200, attempts: 1, upstream: null })
    assert.deepEqual(
      lines.map(({ code }) => code),
      ['OPENTELEMETRY_FAILED'],
    )
  }
})
