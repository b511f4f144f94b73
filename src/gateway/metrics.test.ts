import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposition } from '../observe/exposition.ts'
import { type Behave, MemoryWorld, ok } from './world.fake.ts'

const to = (...ports: number[]) => ports.flatMap((port) => ['--to', `http://127.0.0.1:${port}`])

test('a gateway tells of its upstreams: health, pool, queue, times, failures and retries', async (t) => {
  const one = new MemoryWorld()
  const running = await one.gateway(
    ...to(1, 2),
    '--upstream-max-connections',
    '1',
    '--upstream-first-byte-timeout',
    '60s',
  )
  t.after(() => running.kill())
  const lines = async () => (await exposition(running.readings())).text.split('\n')
  // From here on upstreams are timed.
  await lines()
  let answer = () => {}
  const slow: Behave = (request, socket) => {
    answer = () => ok('late')(request, socket)
  }
  await one.backend(1, slow)
  const waiting = await Promise.all([one.client(), one.client(), one.client()])
  // Nobody listens on 2: whoever is sent there is tried again on 1, whose one connection is busy.
  for (const client of waiting) await client.get()
  const [busy, at] = [await lines(), 'group="default",upstream="http://127.0.0.1:']
  for (const line of [
    `hangup_upstream_state{${at}1",state="up"} 1`,
    `hangup_upstream_state{${at}1",state="ejected"} 0`,
    `hangup_upstream_requests_in_flight{${at}1"} 3`,
    `hangup_upstream_requests_queued{${at}1"} 2`,
    `hangup_upstream_connections{${at}1",state="busy"} 1`,
    `hangup_upstream_connections{${at}1",state="connecting"} 0`,
    `hangup_upstream_connections_opened_total{${at}1"} 1`,
    `hangup_upstream_failures_total{${at}2",failure="connect"} 1`,
    'hangup_upstream_retries_total{group="default"} 1',
    'hangup_upstream_retries_refused_total{group="default"} 0',
    'hangup_gateway_buffered_bytes{where="memory"} 0',
    'hangup_gateway_tunnels 0',
    'hangup_connections{listener="listen",state="handling"} 3',
  ]) {
    assert.ok(busy.includes(line), `${line}\n${busy.filter((shown) => !shown.startsWith('#')).join('\n')}`)
  }
  await one.pass(2_000)
  answer()
  await one.settled()
  const after = await lines()
  assert.ok(after.includes(`hangup_upstream_response_seconds_count{${at}1"} 1`))
  assert.ok(after.includes(`hangup_upstream_response_seconds_bucket{${at}1",le="1"} 0`))
  assert.ok(after.includes(`hangup_upstream_response_seconds_bucket{${at}1",le="2.5"} 1`))
})

test('what is held of a message that is buffered is counted while it is held', async (t) => {
  const one = new MemoryWorld()
  const running = await one.gateway(...to(1), '--buffer', 'request')
  t.after(() => running.kill())
  await one.backend(1, ok('hello'))
  const held = () => {
    const reading = running.readings().find(({ name }) => name === 'hangup_gateway_buffered_bytes')
    return reading?.samples.find(({ labels }) => labels['where'] === 'memory')?.value
  }
  const client = await one.client()
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`)
  assert.equal(held(), 400)
  await client.send('x'.repeat(600))
  assert.deepEqual([client.statuses, held()], [['200'], 0])
  const gone = await one.client()
  await gone.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`)
  await gone.reset()
  await one.pass(100)
  assert.equal(held(), 0)
})
