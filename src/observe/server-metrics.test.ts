import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminRoutes } from '../admin/routes.ts'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { serveInMemory } from '../serve/in-memory.fake.ts'
import { exposition } from './exposition.ts'
import { Histogram } from './histogram.ts'
import type { LostReading } from './lost-requests.ts'
import { Observer } from './observer.ts'
import { readAll } from './reading.ts'
import { processMetrics, readServers, serverMetrics } from './server-metrics.ts'

const get = 'GET /a?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n'

test('connections, their ends, requests and lateness are told in Prometheus’ form', async (t) => {
  const app = ({ method }: Request) => new Response('hello', { status: method === 'GET' ? 200 : 503 })
  const { clock, connect, running } = await serveInMemory(t, app, { idleTimeoutMs: 5_000, maxConnections: 100 })
  const admin = adminRoutes(running)
  const ask = async () => {
    const answer = await admin.request('/metrics')
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    return (await answer.text()).split('\n')
  }
  const first = connect()
  clock.pass(200)
  await first.send(get)
  clock.pass(5_100)
  await connect().send(get)
  await connect().send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  connect()
  const lines = await ask()
  for (const line of [
    '# TYPE hangup_connections gauge',
    'hangup_connections{state="idle"} 2',
    'hangup_connections{state="accepted"} 1',
    'hangup_connections{state="upgraded"} 0',
    'hangup_connections_limit 100',
    'hangup_connections_opened_total 4',
    '# TYPE hangup_connection_duration_seconds histogram',
    'hangup_connection_duration_seconds_bucket{by="server",phase="idle",reason="timeout",le="5"} 0',
    'hangup_connection_duration_seconds_bucket{by="server",phase="idle",reason="timeout",le="10"} 1',
    'hangup_connection_duration_seconds_bucket{by="server",phase="idle",reason="timeout",le="+Inf"} 1',
    'hangup_connection_duration_seconds_count{by="server",phase="idle",reason="timeout"} 1',
    'hangup_close_lateness_seconds_count 1',
    'hangup_limits_enforced_total{option="idleTimeoutMs"} 1',
    'hangup_requests_total 3',
    'hangup_ready 1',
    'http_server_active_requests{url_scheme="http"} 0',
    'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",url_scheme="http"} 2',
    'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="503",url_scheme="http",error_type="503"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
  }
  assert.doesNotMatch(lines.join('\n'), /secret/)
  void running.drain()
  assert.ok((await ask()).includes('hangup_ready 0'))
})

test('what a server can’t tell is missing, not zero', async (t) => {
  const { running } = await serveInMemory(t, () => new Response('hello'), { maxConnections: 0 })
  const { text } = await exposition(
    readServers([
      { server: { ...running, phase: 'serving', connections: () => ({ ...running.connections(), open: null }) } },
    ]),
  )
  for (const name of [
    'hangup_connections',
    'hangup_connections_opened_total',
    'hangup_close_races_total',
    'process_open_fds',
  ]) {
    assert.doesNotMatch(text, new RegExp(`^${name}[{ ]`, 'm'))
  }
})

test('descriptors are counted by the system, or else by connections', () => {
  const now = { now: () => 0, date: () => 0 }
  const counted = new Observer(now, () => ({ soft: 1_024, atStart: 20, used: () => 33 }))
  assert.deepEqual(counted.descriptors(), { used: 33, limit: 1_024 })
  const estimated = new Observer(now, () => ({ soft: 1_024, atStart: 20, used: () => null }))
  assert.deepEqual(estimated.descriptors(), { used: 20, limit: 1_024 })
  assert.equal(new Observer(now).descriptors(), null)
})

test('samples have the labels that are documented, and no others', async (t) => {
  const { connect, running } = await serveInMemory(t, () => new Response('hello'))
  await connect().send(get)
  connect().end()
  const metrics = [...processMetrics, ...serverMetrics]
  for (const [at, { name, samples }] of readServers([{ server: running }]).entries()) {
    for (const { labels } of samples) {
      for (const label of Object.keys(labels)) assert.ok(metrics[at]!.labels.includes(label), `${name} ${label}`)
    }
  }
})

test('a name of two servers is one metric, with the samples of both', async () => {
  const duration = new Histogram([1])
  duration.add(0.5)
  const of = (listener: string) =>
    ({
      name: 'a_seconds',
      help: 'A.',
      type: 'histogram',
      samples: [{ labels: { listener }, value: duration.read() }],
    }) as const
  const { text } = await exposition([of('one'), of('two "quoted"\n')])
  assert.equal(text.match(/# TYPE a_seconds/g)?.length, 1)
  assert.match(text, /^a_seconds_bucket\{listener="two \\"quoted\\"\\n",le="1"\} 1$/m)
})

test('lost requests have their source, and a count that is not ours says so', async () => {
  const linesOf = async (lost: LostReading) => {
    const observer = new Observer(new FakeClock())
    observer.countLost(() => lost)
    const metric = serverMetrics.filter(({ name }) => /^hangup_(lost|unwatched)/.test(name))
    const { text } = await exposition(readAll(metric, { observer } as never))
    return text.split('\n').filter((line) => /^hangup/.test(line))
  }
  const source = 'socket'
  const network = '10.0.3.0/24'
  assert.deepEqual(
    await linesOf({
      source,
      total: 3,
      counts: [
        { phase: 'idle', why: 'idle', network, count: 2 },
        { phase: 'accepted', why: 'silent', network, count: 1 },
      ],
      unwatched: 4,
    }),
    [
      'hangup_lost_requests_total{source="socket",phase="idle",reason="timeout",network="10.0.3.0/24"} 2',
      'hangup_lost_requests_total{source="socket",phase="accepted",reason="timeout",network="10.0.3.0/24"} 1',
      'hangup_unwatched_closes_total 4',
    ],
  )
  assert.deepEqual(await linesOf({ source: 'namespace', total: 7, counts: [], unwatched: 0 }), [
    'hangup_lost_requests_total{source="namespace",phase="unknown",reason="unknown",network="unknown"} 7',
  ])
  assert.deepEqual(await linesOf({ source: null, total: null, counts: [], unwatched: 0 }), [])
})
