import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backgroundClock } from '../lifecycle/clock.ts'
import { eventsAtMost } from './kernel.ts'
import { Scan } from './scan.ts'
import { scene, serverPort } from './scene.fake.ts'

test('of events that are not all told in one slice, the rest is told a little later, and as of before them', async () => {
  const { kernel, ledger, connect, pass, now, end } = scene()
  const fds = Array.from({ length: eventsAtMost + 10 }, (_, index) => connect(10_000 + index))
  let extra = 0
  const scan = new Scan({
    kernel,
    ledger,
    at: { host: '127.0.0.1', port: serverPort },
    clock: { now: () => now() + extra, after: backgroundClock.after },
  })
  scan.walkNow()
  while (ledger.connections.size < fds.length) pass(50)
  pass(50)
  extra = 0
  scan.tick()
  const quietAt = now()
  pass(20)
  scan.stop()
  for (const fd of fds) kernel.receive(fd, 10)
  const { events } = kernel
  kernel.events = () => {
    extra += 2
    return events.call(kernel)
  }
  scan.tick()
  const told = () => fds.filter((fd) => ledger.at(fd)?.quietUntil !== null)
  assert.equal(told().length, eventsAtMost)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(told().length, fds.length)
  for (const fd of fds) assert.equal(ledger.at(fd)?.quietUntil, quietAt)
  end()
})

test('a duplicate of a connection is no connection, nor is it what a walk looks for', () => {
  const duplicates = new Set<number>()
  const { kernel, ledger, connect, pass, now, end } = scene()
  const at = { host: '127.0.0.1', port: serverPort }
  const clock = { ...backgroundClock, now }
  const fd = connect()
  pass(500)
  const duplicate = kernel.accept(kernel.sockets.get(fd)!.local, kernel.sockets.get(fd)!.remote)
  duplicates.add(duplicate)
  new Scan({ kernel, ledger, at, clock, duplicates }).walkNow()
  assert.equal(ledger.connections.size, 1)
  assert.equal(ledger.at(duplicate), undefined)
  end()
})
