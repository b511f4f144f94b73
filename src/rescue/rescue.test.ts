import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptySnapshot, TCP_ESTABLISHED } from '../kernel/layout.ts'
import type { Kind } from './judge.ts'
import type { Process } from './processes.ts'
import { choose, exhausted, type Plan } from './rescue.ts'
import type { Client, Survey } from './survey.ts'

const client = (kind: Kind, quietMs: number): Client => ({
  socket: {
    state: TCP_ESTABLISHED,
    localPort: 8000,
    remotePort: quietMs,
    remoteAddress: new Uint8Array(4),
    uid: 0,
    inode: 1,
    receiveQueue: 0,
    sendQueue: 0,
    info: emptySnapshot(),
    id: new Uint8Array(48),
    family: 2,
  },
  verdict: { kind, quietMs },
  at: { pid: 1, fd: 1 },
  address: '127.0.0.1',
})

const found = (clients: readonly Client[], more: Partial<Survey> = {}): Survey => ({
  processes: [],
  ports: [8000],
  clients,
  acceptQueue: 0,
  backlog: 128,
  hiddenOwner: null,
  tookMs: 0,
  ...more,
})

const plan = (changes: Partial<Plan> = {}): Plan => ({
  pid: 1,
  port: null,
  idleMs: 1_000,
  headMs: null,
  max: null,
  keepNewest: 0,
  excludedPorts: [],
  isExcluded: () => false,
  ...changes,
})

const quiet = (clients: readonly Client[]) => clients.map(({ verdict }) => verdict.quietMs)

test('the longest idle go first, the newest stay, and never more than asked for', () => {
  const all = [2_000, 9_000, 500, 4_000].map((ms) => client('idle', ms))
  assert.deepEqual(quiet(choose(found(all), plan())), [9_000, 4_000, 2_000])
  assert.deepEqual(quiet(choose(found(all), plan({ keepNewest: 2 }))), [9_000, 4_000])
  assert.deepEqual(quiet(choose(found(all), plan({ max: 1 }))), [9_000])
})

test('half a head goes only if it is asked for, and is none of those that stay', () => {
  const all = [client('unanswered', 9_000), client('idle', 5_000), client('busy', 9_000), client('close-wait', 9_000)]
  assert.deepEqual(quiet(choose(found(all), plan())), [5_000])
  assert.deepEqual(quiet(choose(found(all), plan({ headMs: 8_000, keepNewest: 1 }))), [9_000])
})

const process = (changes: Partial<Process>): Process => ({
  pid: 1,
  name: 'server',
  uid: 0,
  limit: 256,
  descriptors: 10,
  sockets: new Map(),
  sleeps: true,
  network: null,
  ...changes,
})

test('out of descriptors and out of workers are told apart', () => {
  assert.equal(exhausted(found([], { processes: [process({ descriptors: 255 })] })), 'descriptors')
  assert.equal(exhausted(found([], { processes: [process({})], acceptQueue: 5 })), 'workers')
  const works = [process({}), process({ sleeps: false })]
  assert.equal(exhausted(found([], { processes: works, acceptQueue: 5 })), null)
  assert.equal(exhausted(found([], { processes: [process({})] })), null)
})
