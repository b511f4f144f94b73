import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arrivals, SocketDuplicates } from '../kernel/duplicates.ts'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { lostLine } from './lost-line.ts'
import {
  type LostReading,
  type LostRequest,
  LostRequests,
  otherNetwork,
  sumOfLost,
  type Watched,
  watchMs,
} from './lost-requests.ts'

interface Socket {
  arrivals: Arrivals
  wasReset: boolean
  unread: number
  ended: boolean
}

/** The kernel's side of sockets, whose peers a test plays; `open` is what has not been closed. */
class FakeDuplicates implements SocketDuplicates {
  readonly soft: number
  readonly open = new Map<number, Socket>()
  lowestFree = 100
  constructor(soft: number) {
    this.soft = soft
  }
  duplicate(fd: number): number {
    if (fd < 0) return -1
    const duplicate = this.lowestFree++
    const arrivals = { isOver: false, received: 100, segmentsIn: 1, heardAgoMs: 0 }
    this.open.set(duplicate, { arrivals, wasReset: false, unread: 0, ended: false })
    return duplicate
  }
  look(duplicate: number): Arrivals | null {
    return this.open.get(duplicate)?.arrivals ?? null
  }
  wasReset = (duplicate: number): boolean => this.open.get(duplicate)!.wasReset
  end(duplicate: number): void {
    this.open.get(duplicate)!.ended = true
  }
  unread = (duplicate: number): number => this.open.get(duplicate)!.unread
  close(duplicate: number): void {
    this.open.delete(duplicate)
  }
  change(duplicate: number, more: Partial<Arrivals>, wasReset: boolean): void {
    const socket = this.open.get(duplicate)!
    socket.arrivals = { ...socket.arrivals, ...more }
    socket.wasReset = wasReset
  }
}

function scene(soft = 65_536) {
  const clock = new FakeClock()
  const sockets = new FakeDuplicates(soft)
  const told: LostRequest[] = []
  const lost = new LostRequests(sockets, clock, (request) => told.push(request))
  const closeOne = (peer = '10.0.3.7:50000', more: Partial<Watched> = {}, fd = 5): number => {
    const duplicate = sockets.lowestFree
    const member = {
      connection: { since: clock.now() - 5_000, state: 'idle' },
      describe: () => ({ peer, received: 0, sent: 0, route: null }),
      duplicate: (dup: (fd: number) => number) => dup(fd),
      ...more,
    } as Watched
    lost.closing(member, 'idle', clock.now())?.()
    return duplicate
  }
  return { clock, sockets, told, lost, closeOne }
}

test('data that was answered with RST was a request: it is counted by reason and network, and told once', () => {
  const { clock, sockets, told, lost, closeOne } = scene()
  const duplicate = closeOne()
  assert.equal(sockets.open.get(duplicate)?.ended, true)
  clock.pass(watchMs - 100)
  sockets.change(duplicate, { segmentsIn: 2, isOver: true, heardAgoMs: watchMs - 14 }, true)
  assert.deepEqual(told, [])
  clock.pass(100)
  assert.deepEqual(told, [
    { peer: '10.0.3.7', network: '10.0.3.0/24', phase: 'idle', why: 'idle', afterMs: 14, waitedMs: 5_000 },
  ])
  assert.deepEqual(lost.read(), {
    source: 'socket',
    total: 1,
    counts: [{ phase: 'idle', why: 'idle', network: '10.0.3.0/24', count: 1 }],
    unwatched: 0,
  })
  assert.equal(sockets.open.size, 0)
  assert.equal(clock.pending, 0)
})

test('a client’s FIN, its RST, silence, and bytes that come again are no request', () => {
  const { clock, sockets, lost, closeOne } = scene()
  sockets.change(closeOne(), { isOver: true, received: 101 }, false)
  sockets.change(closeOne(), { isOver: true }, true)
  closeOne()
  sockets.change(closeOne(), { segmentsIn: 2 }, false)
  sockets.change(closeOne(), { segmentsIn: 2, isOver: true, received: 101 }, false)
  clock.pass(2 * watchMs)
  assert.equal(lost.read().total, 0)
  assert.equal(sockets.open.size, 0)
})

test('a reset that the runtime was told of in our place is seen all the same', () => {
  const { clock, sockets, lost, closeOne } = scene()
  sockets.change(closeOne(), { segmentsIn: 2, isOver: true }, false)
  clock.pass(watchMs)
  assert.equal(lost.read().total, 1)
})

test('what came in the instant of the close is lost, unless its runtime still reads it', () => {
  const { sockets, told, lost, closeOne } = scene()
  sockets.unread = () => 40
  closeOne('10.0.3.7:1', { readsOn: true })
  assert.equal(lost.read().total, 0)
  closeOne('10.0.3.8:1')
  assert.deepEqual(
    told.map(({ peer, afterMs }) => [peer, afterMs]),
    [['10.0.3.8', 0]],
  )
  assert.equal(sockets.open.size, 0, 'the reset does not wait')
})

test('no more are kept than a share of the descriptors, and the rest is said to be unwatched', () => {
  const { clock, sockets, lost, closeOne } = scene(1_600)
  for (let count = 0; count < 150; count++) closeOne()
  assert.equal(lost.descriptors.size, 100)
  assert.equal(lost.read().unwatched, 50)
  clock.pass(watchMs)
  assert.equal(lost.descriptors.size, 0)
  sockets.lowestFree = 1_300
  closeOne()
  assert.equal(lost.read().unwatched, 51, 'so many are in use')
  assert.equal(sockets.open.size, 0)
})

test('while descriptors are short none is kept', () => {
  const { clock, sockets, lost, closeOne } = scene()
  const kept = closeOne()
  sockets.change(kept, { segmentsIn: 2, isOver: true }, true)
  lost.shortage(clock.now())
  assert.equal(sockets.open.size, 0)
  assert.equal(lost.read().total, 1, 'what is known by then counts')
  closeOne()
  assert.equal(sockets.open.size, 0)
  clock.pass(watchMs)
  closeOne()
  assert.equal(sockets.open.size, 1)
})

test('a connection that has no duplicate, over TLS or without a descriptor, is unwatched', () => {
  const { lost, closeOne } = scene()
  closeOne('10.0.3.7:1', {}, -1)
  closeOne('10.0.3.7:1', { duplicate: () => -1 })
  assert.deepEqual(lost.read(), { source: 'socket', total: 0, counts: [], unwatched: 2 })
})

test('at the end of the server what is kept is judged at once', () => {
  const { clock, sockets, lost, closeOne } = scene()
  sockets.change(closeOne(), { segmentsIn: 2, isOver: true }, true)
  lost.end()
  assert.equal(lost.read().total, 1)
  assert.equal(sockets.open.size, 0)
  clock.pass(watchMs)
  assert.equal(clock.pending, 0)
})

test('clients of any number of networks do not fill the memory', () => {
  const { clock, sockets, lost, closeOne } = scene()
  for (let net = 0; net < 600; net++) {
    sockets.change(closeOne(`[2001:db8:${net.toString(16)}::1]:1`), { segmentsIn: 2, isOver: true }, true)
  }
  clock.pass(watchMs)
  const { total, counts } = lost.read()
  assert.equal(total, 600)
  assert.equal(counts.length, 257)
  assert.equal(counts.find(({ network }) => network === otherNetwork)?.count, 600 - 256)
})

test('the line says who sent it, when, and what would help', () => {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000 })
  const request = {
    peer: '10.0.3.7',
    network: '10.0.3.0/24',
    phase: 'idle',
    why: 'idle',
    afterMs: 4,
    waitedMs: 5_010,
  } as const
  assert.equal(
    lostLine(request, policy),
    '10.0.3.7 sent a request 14 ms after the idle limit (5s); it was not executed. It keeps connections longer than this server: name what it is with --preset, or raise --idle-timeout',
  )
  assert.equal(
    lostLine({ ...request, why: 'pressure' }, policy),
    '10.0.3.7 sent a request 4 ms after its connection was closed (maxConnections); it was not executed. Its connection made room for another: raise --max-connections or --min-idle',
  )
  assert.equal(
    lostLine({ ...request, why: 'operator' }, policy),
    '10.0.3.7 sent a request 4 ms after its connection was closed (an operator closed it); it was not executed',
  )
})

test('what the listeners of one server lost is added up, but not what they all read of the namespace', () => {
  const one = { phase: 'idle', why: 'idle', network: '10.0.3.0/24', count: 2 } as const
  const other = { ...one, network: '10.0.4.0/24', count: 1 }
  const socket = (counts: LostReading['counts'], total: number): LostReading => ({
    source: 'socket',
    total,
    counts,
    unwatched: 1,
  })
  assert.deepEqual(sumOfLost([socket([one], 2), socket([one, other], 3)]), {
    source: 'socket',
    total: 5,
    counts: [{ ...one, count: 4 }, other],
    unwatched: 2,
  })
  const namespace: LostReading = { source: 'namespace', total: 7, counts: [], unwatched: 0 }
  assert.deepEqual(sumOfLost([namespace, namespace]), namespace)
  assert.deepEqual(sumOfLost([]), { source: null, total: null, counts: [], unwatched: 0 })
})
