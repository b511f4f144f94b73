/**
 * The gateway in distributed traces: a span for each request, and its own span as the parent that
 * the upstream sees (W3C Trace Context, or whatever the SDK propagates). Without an SDK these
 * fields pass as they came.
 */
import type { Attributes } from '@opentelemetry/api'
import type { OpenTelemetry, Shelter } from '../observe/open-telemetry.ts'
import { methodLabel } from '../observe/request-totals.ts'
import { version } from '../version.ts'
import type { Downstream } from './downstream/downstream.ts'

type Traced = Pick<Downstream, 'method' | 'path' | 'host' | 'secure' | 'version' | 'raw'>

export interface Outcome {
  readonly status: number
  /** How often an upstream was asked. */
  readonly attempts: number
  /** Who was asked last; null: nobody. */
  readonly upstream: string | null
}

export interface RequestTrace {
  /** The fields that go on, with this span in the place of the client's. */
  passOn(fields: readonly string[]): string[]
  end(outcome: Outcome): void
}

export interface Tracing {
  /** `route`: the path of the route, which names the span. */
  begin(asked: Traced, route: string): RequestTrace | null
}

/** Values of one name, as if they had come in one line. */
const read = (raw: readonly string[], name: string): string | undefined => {
  const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]!.toLowerCase() === name)
  return values.length === 0 ? undefined : values.join(',')
}

/** Of a `Host`: name and port. */
function serverOf(host: string): Attributes {
  const [, name = host, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(host) ?? []
  return {
    'server.address': name.replace(/^\[(.*)\]$/, '$1'),
    ...(port !== undefined && { 'server.port': Number(port) }),
  }
}

const reader = {
  keys: (raw: readonly string[]): string[] => raw.filter((_, at) => at % 2 === 0),
  get: (raw: readonly string[], name: string): string | undefined => read(raw, name.toLowerCase()),
}

const writer = {
  set: (fields: string[], name: string, value: string): void => void fields.push(name, value),
}

export function tracingOf(
  {
    trace,
    propagation,
    ROOT_CONTEXT,
    SpanKind,
    SpanStatusCode,
  }: Pick<OpenTelemetry, 'trace' | 'propagation' | 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode'>,
  sheltered: Shelter,
): Tracing {
  const tracer = trace.getTracer('hangup', version)
  function begin({ method, path, host, secure, version: protocol, raw }: Traced, route: string): RequestTrace {
    const known = methodLabel(method)
    const parent = propagation.extract(ROOT_CONTEXT, raw, reader)
    const span = tracer.startSpan(
      `${known === '_OTHER' ? 'HTTP' : known} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': known,
          'http.route': route,
          'url.path': path.split('?', 1)[0]!,
          'url.scheme': secure ? 'https' : 'http',
          ...serverOf(host),
          'network.protocol.version': protocol,
        },
      },
      parent,
    )
    const own: string[] = []
    propagation.inject(trace.setSpan(parent, span), own, writer)
    return {
      passOn(fields) {
        if (own.length === 0) return [...fields]
        const replaced = new Set(propagation.fields().map((name) => name.toLowerCase()))
        const kept = fields.filter((_, at) => !replaced.has(fields[at - (at % 2)]!.toLowerCase()))
        // In front: `requestFields` has a last one that is looked for there.
        return [...own, ...kept]
      },
      end({ status, attempts, upstream }) {
        span.setAttribute('http.response.status_code', status)
        if (upstream !== null) span.setAttribute('hangup.upstream', upstream)
        if (attempts > 1) span.setAttribute('http.request.resend_count', attempts - 1)
        if (status >= 500) {
          span.setAttribute('error.type', String(status))
          span.setStatus({ code: SpanStatusCode.ERROR })
        }
        span.end()
      },
    }
  }
  return {
    begin: (asked, route) =>
      sheltered(() => {
        const { passOn, end } = begin(asked, route)
        return { passOn, end: (outcome) => void sheltered(() => end(outcome)) }
      }),
  }
}
