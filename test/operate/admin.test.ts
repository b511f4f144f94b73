/**
 * The admin listener from outside, on each engine and on the gateway, each as a process of its own.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayStatus } from '../../src/gateway/status.ts'
import type { ConnectionView } from '../../src/observe/observer.ts'
import { type RuntimeName, runtimes } from '../conformance/runtimes.ts'
import { Client } from '../lib/client.ts'
import { type Lifetime, startProgram } from '../lib/program.ts'
import { hangupOn, runtimeNames, withDescriptors } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'
import { until as untilHolds } from '../lib/wait.ts'

const engines: readonly RuntimeName[] = ['node', 'node-hangup', 'bun', 'bun-hangup', 'deno', 'deno-hangup']
const descriptors = 128
const token = 'a-token-of-enough-length'

interface Operated extends Server {
  readonly admin: string
  /** Asks the admin listener. */
  ask(path: string, init?: RequestInit): Promise<Response>
  list(): Promise<readonly ConnectionView[]>
}

async function start(t: Lifetime, command: readonly string[], flags: readonly string[]): Promise<Operated> {
  const all = [...command, '--admin', '127.0.0.1:0', '--report', 'json', ...flags]
  const server = await startServer(t, withDescriptors(descriptors, all))
  const admin: string = server.report['admin']
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, admin), { signal: AbortSignal.timeout(2_000), ...init })
  const list = async () => (await (await ask('/connections')).json()) as readonly ConnectionView[]
  return { ...server, admin, ask, list }
}

/** Asks once and stays. */
const asking = (port: number, path: string): Client => new Client(port).get(path)
const answered = async (client: Client): Promise<Client> => {
  await client.heard(/\r\n\r\n/)
  return client
}

const post = { method: 'POST' } as const

const until = (holds: () => Promise<boolean>) => untilHolds(holds, 'it holds', 2_000)

/**
 * What an operator does with any of them, in the order of a server's life; at its end the process
 * has ended.
 */
async function operate({ port, ask, list, exited, stderr }: Operated): Promise<void> {
  const clients: Client[] = []
  const client = (path: string) => {
    const one = asking(port, path)
    clients.push(one)
    return one
  }
  try {
    assert.equal((await ask('/readyz')).status, 200)

    const idle = await answered(client('/'))
    await until(async () => (await list()).some(({ peer, state }) => peer === idle.peer && state === 'idle'))
    const { id, requests, received, dueBy } = (await list()).find(({ peer }) => peer === idle.peer)!
    assert.deepEqual([requests, dueBy], [1, 'idleTimeoutMs'])
    assert.ok(received > 0)
    assert.equal((await ask(`/connections/${id}/close`, post)).status, 204)
    await idle.closed
    await until(async () => (await list()).every(({ peer }) => peer !== idle.peer))
    const ends = (await (await ask('/ends')).json()) as readonly {
      id: number
      by: string
      phase: string
      why: string
    }[]
    assert.deepEqual(
      ends.filter((end) => end.id === id).map(({ by, phase, why }) => [by, phase, why]),
      [['operator', 'idle', 'operator']],
    )

    const busy = client('/slow?ms=700')
    await until(async () => (await list()).some(({ peer, state }) => peer === busy.peer && state === 'handling'))
    const handling = (await list()).find(({ peer }) => peer === busy.peer)!
    assert.equal((await ask(`/connections/${handling.id}/close`, post)).status, 204)
    await busy.closed
    assert.match(
      busy.text,
      /^HTTP\/1\.1 200 [\s\S]*slow\n/,
      'a request in flight is answered before its connection ends',
    )

    await answered(client('/'))
    await until(async () => (await list()).some(({ state }) => state === 'idle'))
    const closed = (await (await ask('/idle/close', post)).json()) as { closed: number }
    assert.ok(closed.closed >= 1)
    await Promise.all(clients.map((one) => one.closed))

    // As many requests in flight as there are descriptors, and more.
    for (let i = 0; i < 2 * descriptors; i++) client('/slow?ms=1500')
    await delay(300)
    for (let i = 0; i < 10; i++) {
      const startedAt = performance.now()
      assert.equal((await ask('/healthz', { headers: { Connection: 'close' } })).status, 200)
      assert.ok(performance.now() - startedAt < 1_000)
    }
    assert.ok((await list()).length > descriptors / 4)
    for (const one of clients) one.destroy()
    await until(async () => (await list()).length === 0)

    const last = client('/slow?ms=1200')
    await until(async () => (await list()).length === 1)
    assert.equal((await ask('/drain', post)).status, 202)
    assert.equal((await ask('/readyz')).status, 503)
    assert.equal((await ask('/healthz')).status, 200)
    await delay(600)
    assert.equal((await ask('/summary')).status, 200, 'it answers while the server drains')
    await last.closed
    assert.match(last.text, /slow\n/)
    assert.equal((await exited).code, 0, stderr())
  } finally {
    for (const one of clients) one.destroy()
  }
}

const served = ['--idle-timeout', '20s', '--drain-delay', '500ms', '--drain-spread', '0ms']

describe('the admin listener', { concurrency: 3 }, () => {
  for (const name of engines) {
    test(`of ${name}: closes by hand, answers while the server is full and while it drains`, async (t) => {
      const { command, listen } = runtimes[name]
      const flags = [...listen(0, 'tcp'), '--app', 'test/fixtures/app.ts', ...served]
      await operate(await start(t, command, flags))
    })
  }

  test('says that its place is taken, and answers a drain that has nothing to wait for', async (t) => {
    const { command, listen } = runtimes['node-hangup']
    const { ask, exited, admin } = await start(t, command, listen(0, 'tcp'))
    const taken = ['--admin', new URL(admin).host]
    await assert.rejects(
      startProgram(t, ['env', ...command, ...listen(0, 'tcp'), ...taken]),
      /ended with 2: hangup: the admin listener: cannot listen on port/,
    )
    assert.equal((await ask('/drain', post)).status, 202)
    assert.equal((await exited).code, 0)
  })

  for (const name of runtimeNames) {
    test(`of a gateway on ${name}: a token, its upstreams, and both health checks`, async (t) => {
      const { command, listen } = runtimes['node-hangup']
      const backend = await startServer(t, [...command, ...listen(0, 'tcp')])
      const to = backend.url.replace(/\/$/, '')
      const folder = await mkdtemp(join(tmpdir(), 'hangup-admin-'))
      t.after(() => rm(folder, { recursive: true }))
      await writeFile(join(folder, 'token'), `${token}\n`)

      const at = ['--to', to, '--host', '127.0.0.1', '--port', '0', '--health-path', '/up']
      const { port, ask, exited } = await start(t, hangupOn(name, 'gateway'), [
        ...at,
        ...served,
        ...['--admin-token-file', join(folder, 'token')],
      ])
      const headers = { Authorization: `Bearer ${token}` }
      assert.equal((await ask('/healthz')).status, 401)
      assert.equal((await ask('/drain', { ...post, headers: { Authorization: `Bearer ${token}x` } })).status, 401)
      assert.equal((await ask('/readyz', { headers })).status, 200)

      const client = await answered(asking(port, '/'))
      const { groups } = (await (await ask('/upstreams', { headers })).json()) as GatewayStatus
      assert.deepEqual(
        groups['default']?.map(({ name, state, pool }) => [name, state, pool?.idle]),
        [[to, 'up', 1]],
      )
      const [connection] = (await (await ask('/connections', { headers })).json()) as readonly ConnectionView[]
      assert.equal(connection?.peer, client.peer)
      assert.match((await answered(asking(port, '/up'))).text, /^HTTP\/1\.1 200 /)
      assert.equal((await ask('/drain', { ...post, headers })).status, 202)
      assert.match((await answered(asking(port, '/up'))).text, /^HTTP\/1\.1 503 /)
      assert.equal((await ask('/readyz', { headers })).status, 503)
      assert.equal((await exited).code, 0)
    })
  }
})
