import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandOn, onAnyPort, type RuntimeName, runtimeNames } from '../lib/runtimes.ts'
import { type Port, startServer } from '../lib/server.ts'

interface Line {
  readonly span?: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | null
  readonly metric?: string
  readonly unit: string
  readonly attributes: Readonly<Record<string, string | number>>
  readonly value: number | { readonly count: number }
}

const sdk = './test/operate/telemetry.fixture.ts'
const preloaded = { node: '--import', bun: '--preload', deno: '--preload' } as const
const withSdk = (runtime: RuntimeName) => commandOn(runtime, preloaded[runtime], sdk)

const trace = '0af7651916cd43dd8448eb211c80319c'
const client = 'b7ad6b7169203331'
const sent = { traceparent: `00-${trace}-${client}-01`, tracestate: 'rojo=00f067aa0ba902b7' }

/** Answers with the fields that it got. */
async function echo(t: TestContext): Promise<Port> {
  const server: Server = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server.address() as AddressInfo
}

async function start(t: TestContext, words: readonly string[]) {
  const program = await startServer(t, words)
  const lines = () =>
    program
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line)
  return {
    url: program.url.replace('localhost', '127.0.0.1'),
    lines,
    /** The first line that is so, once there is one. */
    async told(is: (line: Line) => boolean): Promise<Line> {
      for (let left = 100; left > 0; left--) {
        const found = lines().find(is)
        if (found !== undefined) return found
        await sleep(50)
      }
      assert.fail(program.stderr())
    },
  }
}

describe('OpenTelemetry', { concurrency: runtimeNames.length }, () => {
  for (const runtime of runtimeNames) {
    test(`without an SDK trace context passes unchanged, with one the gateway is in it: ${runtime}`, async (t) => {
      const { port } = await echo(t)
      const gateway = ['src/cli.ts', 'gateway', '--to', `http://127.0.0.1:${port}`, ...onAnyPort]
      const [plain, traced] = await Promise.all([
        start(t, commandOn(runtime, ...gateway)),
        start(t, [...withSdk(runtime), ...gateway]),
      ])
      const get = async (url: string) =>
        (await (await fetch(`${url}a?q=secret`, { headers: sent })).json()) as Record<string, string>
      const unchanged = await get(plain.url)
      assert.deepEqual([unchanged['traceparent'], unchanged['tracestate']], [sent.traceparent, sent.tracestate])
      assert.deepEqual(
        plain.lines().filter(({ span, metric }) => span ?? metric),
        [],
      )

      const { traceparent, tracestate } = await get(traced.url)
      const span = await traced.told(({ span }) => span !== undefined)
      assert.deepEqual([span.span, span.traceId, span.parent, span.kind], ['GET /', trace, client, 1])
      assert.equal(traceparent, `00-${trace}-${span.spanId}-01`)
      assert.equal(tracestate, sent.tracestate)
      const { 'url.path': path, 'http.response.status_code': status, 'hangup.upstream': upstream } = span.attributes
      assert.deepEqual([path, status, upstream], ['/a', 200, `http://127.0.0.1:${port}`])

      const duration = await traced.told(({ metric }) => metric === 'http.server.request.duration')
      assert.deepEqual(
        [duration.unit, duration.attributes['http.request.method'], duration.attributes['listener']],
        ['s', 'GET', 'listen'],
      )
      await traced.told(({ metric, attributes }) => metric === 'hangup.upstream_state' && attributes['state'] === 'up')
    })

    test(`with an SDK a server’s metrics go there: ${runtime}`, async (t) => {
      const server = await start(t, [
        ...withSdk(runtime),
        'src/cli.ts',
        'serve',
        '--idle-timeout',
        '300ms',
        ...onAnyPort,
      ])
      await (await fetch(server.url)).text()
      await Promise.all([
        server.told(({ metric, value }) => metric === 'hangup.requests' && value === 1),
        server.told(({ metric, attributes }) => metric === 'hangup.connections' && attributes['state'] === 'idle'),
        server.told(({ metric }) => metric === 'http.server.active_requests'),
        server.told(
          ({ metric, attributes, value }) =>
            metric === 'http.server.request.duration' &&
            attributes['http.response.status_code'] === 200 &&
            typeof value === 'object' &&
            value.count === 1,
        ),
        server.told(
          ({ metric, attributes: { by, phase, reason } }) =>
            metric === 'hangup.connection_duration' && by === 'server' && phase === 'idle' && reason === 'timeout',
        ),
        server.told(({ metric, unit }) => metric === 'hangup.close_lateness' && unit === 's'),
      ])
    })
  }
})
