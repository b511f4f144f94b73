import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { deferred } from '../deferred.ts'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import type { LogLine } from '../serve/log.ts'
import { tellServiceManager } from './service-manager.ts'

function setUp(env: Record<string, string>, send = async (_: string) => {}) {
  const clock = new FakeClock()
  const told: string[] = []
  const lines: LogLine[] = []
  const { promise: closed, resolve: end } = deferred<DrainResult>()
  const server = { drain: () => closed, kill: () => closed, closed }
  const ending = tellServiceManager(server, {
    env,
    clock,
    log: (line) => void lines.push(line),
    send: (assignment) => {
      told.push(assignment)
      return send(assignment)
    },
  })
  return { clock, told, lines, server, ending, end }
}

const socket = { NOTIFY_SOCKET: '/run/systemd/notify' }

test('systemd hears of the start, every half of its watchdog’s time, and of the drain', async () => {
  const { clock, told, ending, end } = setUp({ ...socket, WATCHDOG_USEC: '4000000', WATCHDOG_PID: `${process.pid}` })
  assert.deepEqual(told, ['READY=1'])
  clock.pass(1_999)
  assert.equal(told.length, 1)
  clock.pass(2_001)
  assert.deepEqual(told, ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  void ending.drain()
  assert.equal(told.at(-1), 'STOPPING=1')
  end({ cut: 0 })
  await ending.closed
  clock.pass(10_000)
  assert.equal(told.length, 4)
})

test('without systemd nothing is told, and a watchdog of another process is none of ours', () => {
  const { told, server, ending } = setUp({ WATCHDOG_USEC: '4000000' })
  assert.equal(ending, server)
  assert.deepEqual(told, [])
  const other = setUp({ ...socket, WATCHDOG_USEC: '4000000', WATCHDOG_PID: '1' })
  other.clock.pass(10_000)
  assert.deepEqual(other.told, ['READY=1'])
})

test('what can’t be told is said once', async () => {
  const { lines, ending } = setUp(socket, () => Promise.reject(new Error('spawn systemd-notify ENOENT')))
  void ending.drain()
  await turn()
  assert.deepEqual(
    lines.map(({ code, message }) => [code, message]),
    [['NOTIFY_FAILED', 'systemd is not told of READY=1: spawn systemd-notify ENOENT']],
  )
})
