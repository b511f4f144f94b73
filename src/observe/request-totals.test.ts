import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestTotals } from './request-totals.ts'

test('every request is counted; of many since the last look one in eight is timed', () => {
  let now = 0
  let readings = 0
  const totals = new RequestTotals(() => {
    readings += 1
    return now
  })
  let status = 200
  const handler = totals.timing(() => {
    now += 20
    return new Response(null, { status })
  })
  const ask = (times: number) => {
    for (let i = 0; i < times; i++) handler(new Request('http://a/'), null)
  }
  ask(10)
  assert.deepEqual([totals.read(), readings], [[], 0])
  totals.areRead = true
  ask(1_000)
  assert.equal(readings, 2_000)
  ask(800)
  assert.equal(readings, 2_200)
  status = 404
  ask(1)
  const [ok, missing] = totals.read()
  assert.deepEqual([ok?.duration.count, missing?.status, missing?.duration.count], [1_800, 404, 1])
  assert.ok(Math.abs((ok?.duration.sum ?? 0) - 36) < 0.001)
  ask(8)
  assert.equal(readings, 2_216)
})

test('a handler that takes its time is timed until its response is there', async () => {
  let now = 0
  const totals = new RequestTotals(() => now)
  totals.areRead = true
  const handler = totals.timing(async () => {
    await null
    now += 300
    return new Response()
  })
  await handler(new Request('http://a/'), null)
  assert.equal(totals.read()[0]?.duration.sum, 0.3)
})
