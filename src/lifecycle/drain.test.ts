import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './clock.fake.ts'
import { Drain } from './drain.ts'
import { LongLived } from './long-lived.ts'

function scene({ drainDelayMs = 0, drainTimeoutMs = 10_000, left = 1 } = {}) {
  const clock = new FakeClock()
  const acts: string[] = []
  const state = { left }
  const drain = new Drain(
    { drainDelayMs, drainTimeoutMs },
    {
      announce: () => acts.push(`announce ${clock.now()}`),
      stopAccepting: () => acts.push(`stop ${clock.now()}`),
      closeIdle: (forMs) => {
        if (forMs === 0) acts.push(`hang up ${clock.now()}`)
      },
      left: () => state.left,
      cut: () => {
        acts.push(`cut ${clock.now()}`)
        return state.left
      },
    },
    clock,
  )
  return { clock, acts, state, drain }
}

test('it announces, then closes, then waits for what is left', async () => {
  const { clock, acts, state, drain } = scene({ drainDelayMs: 5_000, drainTimeoutMs: 30_000 })
  const done = drain.start()
  assert.equal(drain.phase, 'announcing')
  clock.pass(4_999)
  assert.deepEqual(acts, ['announce 0'])
  clock.pass(1)
  assert.equal(drain.phase, 'closing')
  assert.deepEqual(acts, ['announce 0', 'stop 5000', 'hang up 5000'])
  clock.pass(2_000)
  state.left = 0
  clock.pass(100)
  assert.deepEqual(await done, { cut: 0 })
  assert.equal(drain.phase, 'closed')
  assert.equal(acts.length, 3)
})

test('drainTimeoutMs counts from the first call, over all phases', async () => {
  const { clock, acts, drain } = scene({ drainDelayMs: 5_000, drainTimeoutMs: 8_000, left: 3 })
  const done = drain.start()
  clock.pass(7_999)
  assert.ok(!acts.some((act) => act.startsWith('cut')))
  clock.pass(30)
  assert.deepEqual(await done, { cut: 3 })
  assert.match(acts.at(-1) ?? '', /^cut 80[0-2]\d$/)
})

test('without an announcement it closes at once', () => {
  const { acts, drain } = scene({ drainDelayMs: 5_000 })
  drain.start({ announce: false })
  assert.deepEqual(acts, ['announce 0', 'stop 0', 'hang up 0'])
})

test('a second call joins the first; one without an announcement cuts the waiting short', () => {
  const { clock, acts, drain } = scene({ drainDelayMs: 5_000 })
  const first = drain.start()
  assert.equal(drain.start(), first)
  clock.pass(1_000)
  assert.equal(drain.start({ announce: false }), first)
  assert.equal(drain.phase, 'closing')
  clock.pass(10_000)
  assert.equal(acts.filter((act) => act.startsWith('stop')).length, 1)
})

test('kill() cuts at once in any phase, and ends a drain that was under way', async () => {
  const serving = scene({ left: 2 })
  assert.deepEqual(await serving.drain.kill(), { cut: 2 })
  assert.deepEqual(serving.acts, ['stop 0', 'cut 0'])

  const closing = scene({ left: 2 })
  const done = closing.drain.start()
  closing.clock.pass(1_000)
  assert.deepEqual(await closing.drain.kill(), { cut: 2 })
  assert.deepEqual(await done, { cut: 2 })
  closing.clock.pass(60_000)
  assert.equal(closing.acts.filter((act) => act.startsWith('cut')).length, 1)
})

test('a drain with nothing open is over at once', async () => {
  const { drain } = scene({ left: 0 })
  assert.deepEqual(await drain.start(), { cut: 0 })
})

test('a drain at once waits for no idle connection, also one that joins a patient one', async () => {
  const clock = new FakeClock()
  const acts: [closingForMs: number, atOnce: boolean][] = []
  const drain = new Drain(
    { drainDelayMs: 0, drainTimeoutMs: 10_000 },
    {
      announce() {},
      stopAccepting() {},
      closeIdle: (...how) => void acts.push(how),
      left: () => 1,
      cut: () => 0,
    },
    clock,
  )
  const done = drain.start()
  assert.deepEqual(acts, [[0, false]])
  assert.equal(drain.start({ announce: false, atOnce: true }), done)
  clock.pass(25)
  assert.deepEqual(acts.at(-1), [Number.POSITIVE_INFINITY, true])
})

test('WebSockets that do not answer their close hold no drain up, and are not counted as cut', async () => {
  const clock = new FakeClock()
  const policy = { drainDelayMs: 0, drainSpreadMs: 0, drainTimeoutMs: 10_000, streams: 1, webSocketIdleTimeoutMs: 0 }
  const longLived = new LongLived(policy, () => 0)
  let left = 2
  const drain = new Drain(
    policy,
    { announce() {}, stopAccepting() {}, closeIdle() {}, left: () => left, cut: () => left, longLived },
    clock,
  )
  longLived.add('webSockets', () => {})
  const done = drain.start()
  clock.pass(5_000)
  assert.equal(drain.phase, 'closing', 'somebody else is in a request')
  left = 1
  clock.pass(50)
  assert.deepEqual(await done, { cut: 0, webSockets: { ended: 1, cut: 0 } })
})
