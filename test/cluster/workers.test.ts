/**
 * `--workers` on every engine: what one that dies takes with it, a roll under load, the drain, and
 * the end of the parent.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { workerVariable } from '../../src/cluster/messages.ts'
import { environment, hangupOn, runtimeNames } from '../lib/runtimes.ts'
import { childrenOf, engines, isAlive, launchCluster, startCluster, until } from './command.ts'
import { Load } from './load.ts'

/** More for a measurement: CLUSTER_REQUESTS=10000. */
const requests = Number(process.env['CLUSTER_REQUESTS'] ?? 1_000)
const clients = 6

const app = ['serve', 'test/cluster/app.ts', '--host', '127.0.0.1', '--port', '0']

const text = async (url: string): Promise<string> => (await fetch(url, { headers: { connection: 'close' } })).text()
const json = async (url: string): Promise<any> => JSON.parse(await text(url))

describe('workers', { concurrency: 3, timeout: 180_000 }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine}: dying, rolling and draining lose nobody but a dead worker's own clients`, async (t) => {
      const flags = ['--engine', engine, '--workers', '2', '--admin', '0', '--health-path', '/healthz']
      const server = await startCluster(t, runtime, [...app, ...flags])
      assert.deepEqual([server.report['workers'], server.report['engineWhy']], [2, 'asked for'])
      const first = childrenOf(server.pid)
      assert.equal(first.length, 2)

      // SIGKILL: what was not accepted yet waits for the others.
      const load = new Load(t, server.port, clients)
      await until(() => load.answered > 200, 'no answers')
      process.kill(first[0]!, 'SIGKILL')
      await until(() => server.logged('WORKER_DIED') === 1, server.stderr)
      const atDeath = load.answered
      await until(() => load.answered > atDeath + 200, 'no answers after a death')
      assert.deepEqual(load.refused, [], 'the port was never closed')
      assert.ok(load.lost.length <= clients, `${load.lost.length} lost: ${load.lost[0]}`)
      await load.end()
      await until(() => childrenOf(server.pid).length === 2, 'no other worker')

      // SIGHUP: two others, and nothing lost.
      const before = childrenOf(server.pid)
      const rolled = new Load(t, server.port, clients)
      const healthy = new Load(t, server.port, 2, '/healthz')
      await until(() => rolled.answered > 100, 'no answers')
      server.signal('SIGHUP')
      await until(() => server.logged('ROLLED') === 1 && rolled.answered >= requests, server.stderr)
      await Promise.all([rolled.end(), healthy.end()])
      assert.deepEqual([rolled.lost, rolled.refused], [[], []], `of ${rolled.answered}`)
      assert.deepEqual([healthy.lost, healthy.refused], [[], []], 'the server was ready all the time')
      const after = childrenOf(server.pid)
      assert.equal(after.length, 2)
      assert.ok(before.every((pid) => !after.includes(pid) && !isAlive(pid)))

      // The admin listener is the parent's, and adds the workers up.
      const idle = await Promise.all(Array.from({ length: 4 }, () => kept(server.port)))
      const summary = await json(`${server.admin}summary`)
      assert.equal(summary.open, 4)
      assert.equal(summary.phase, 'serving')
      assert.ok(summary.requests >= requests, `${summary.requests} of workers that have ended, too`)
      const listed = await json(`${server.admin}connections`)
      assert.equal(new Set(listed.map(({ id }: { id: number }) => id)).size, 4)
      const { id } = listed[0]
      assert.equal((await json(`${server.admin}connections/${id}`)).id, id)
      const closed = await fetch(`${server.admin}connections/${id}/close`, { method: 'POST' })
      assert.equal(closed.status, 204)
      await until(async () => (await json(`${server.admin}summary`)).open === 3, 'it is still open')
      const metrics = await text(`${server.admin}metrics`)
      assert.match(metrics, /^hangup_worker_restarts_total 1$/m)
      assert.match(metrics, /^hangup_workers_ready 2$/m)
      assert.match(metrics, /^process_open_fds\{worker="\d+"\} \d+$/m)
      assert.equal(Number(/^hangup_requests_total (\d+)$/m.exec(metrics)?.[1]) >= summary.requests, true)
      for (const socket of idle) socket.destroy()

      // SIGTERM: what is in flight is answered, then nothing is left.
      const slow = text(`${server.url}?ms=500`)
      await until(async () => (await json(`${server.admin}summary`)).busy === 1, 'it is not in flight')
      server.signal('SIGTERM')
      assert.match(await slow, /^\d+$/)
      assert.equal(await server.status, 0, server.stderr())
      assert.match(server.stderr(), /draining: 1 request in flight/)
      assert.ok(after.every((pid) => !isAlive(pid)))
    })
  }
})

/** A connection that has been answered, and is kept. */
async function kept(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

describe('the parent', { concurrency: true, timeout: 90_000 }, () => {
  for (const runtime of runtimeNames) {
    test(`${runtime}: killed, it leaves no worker; what was in flight is answered`, async (t) => {
      const server = await startCluster(t, runtime, [...app, '--workers', '2'])
      const workers = childrenOf(server.pid)
      t.after(() => {
        for (const pid of workers) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      })
      const slow = text(`${server.url}?ms=700`)
      await sleep(200)
      process.kill(server.pid, 'SIGKILL')
      assert.match(await slow, /^\d+$/)
      await until(() => workers.every((pid) => !isAlive(pid)), 'a worker is left')
    })

    test(`${runtime}: ended before its worker looks for it, it leaves none`, async (t) => {
      const gone = spawn('true')
      await once(gone, 'exit')
      const worker = { number: 1, parent: gone.pid, sockets: [], others: [], isWatched: false }
      const [program, ...args] = hangupOn(runtime, 'serve', 'test/cluster/app.ts', '--port', '0', '--workers', '1')
      const child = spawn(program, args, {
        env: { ...environment, [workerVariable]: JSON.stringify(worker) },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      t.after(() => child.kill('SIGKILL'))
      assert.deepEqual(await once(child, 'exit'), [0, null])
    })

    test(`${runtime}: a worker that dies is noticed while a process lives that its app has started`, async (t) => {
      const server = await startCluster(t, runtime, [...app, '--workers', '1'])
      const child = Number(await text(`${server.url}child`))
      t.after(() => process.kill(child, 'SIGKILL'))
      process.kill(childrenOf(server.pid)[0]!, 'SIGKILL')
      await until(() => server.logged('WORKER_DIED') === 1, server.stderr)
      assert.match(await text(server.url), /^\d+$/)
      server.signal('SIGTERM')
      assert.equal(await server.status, 0, server.stderr())
    })

    test(`${runtime}: an app that does not load is said once, and ends it with status 2`, async (t) => {
      const options = { env: { CLUSTER_APP: 'broken' } }
      const { code, stderr } = await launchCluster(t, runtime, [...app, '--workers', '3'], options).exited
      assert.equal(code, 2)
      assert.equal(stderr.split('failed to load').length - 1, 1, stderr)
    })
  }

  test('workers that die again and again are started later each time, and the parent ends when none stays', async (t) => {
    const server = await startCluster(t, 'node', [...app, '--workers', '1'])
    const ask = () => fetch(`${server.url}exit`, { headers: { connection: 'close' } }).catch(() => {})
    const from = performance.now()
    while (server.child.exitCode === null) {
      await ask()
      await sleep(20)
    }
    assert.equal(await server.status, 1, server.stderr())
    assert.equal(server.logged('WORKER_DIED'), 4, server.stderr())
    assert.equal(server.logged('WORKERS_FAILED'), 1)
    assert.ok(performance.now() - from > 700, 'it waited in between')
  })

  test('a replacement that does not start stops the roll, and the others go on', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'hangup-roll-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'app.mjs')
    await writeFile(file, 'export default () => new Response(String(process.pid))')
    const flags = ['--host', '127.0.0.1', '--port', '0', '--workers', '2']
    const server = await startCluster(t, 'node', ['serve', file, ...flags])
    const workers = childrenOf(server.pid)
    await writeFile(file, 'throw new Error("broken")')
    server.signal('SIGHUP')
    await until(() => server.logged('ROLL_STOPPED') === 1, server.stderr)
    assert.deepEqual(childrenOf(server.pid).sort(), workers.sort())
    assert.equal(server.logged('WORKER_DIED'), 0, server.stderr())
    await writeFile(file, 'export default () => new Response("mended")')
    server.signal('SIGUSR2')
    await until(() => server.logged('ROLLED') === 1, server.stderr)
    assert.equal(await text(server.url), 'mended')
  })

  test('a signal while workers start ends nothing, and is obeyed once they serve', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'hangup-early-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'app.mjs')
    const slowly = 'await new Promise((resolve) => setTimeout(resolve, 500))'
    await writeFile(file, `${slowly}\nexport default () => new Response(String(process.pid))`)
    const flags = ['--host', '127.0.0.1', '--port', '0', '--workers', '2']
    const server = launchCluster(t, 'node', ['serve', file, ...flags])
    await until(() => childrenOf(server.pid).length === 1, server.stderr)
    for (const signal of ['SIGUSR1', 'SIGHUP', 'SIGUSR2'] as const) server.signal(signal)
    await server.until(/"code":"ROLLED"/)
    assert.match(server.stdout(), /"url"/)
    server.signal('SIGTERM')
    assert.equal((await server.exited).code, 0, server.stderr())
  })

  for (const [index, which] of ['that is being replaced', 'whose turn is still to come'].entries()) {
    test(`a worker ${which} dies in a roll: one takes its place, not two`, async (t) => {
      const server = await startCluster(t, 'node', [...app, '--workers', '2'])
      const before = childrenOf(server.pid)
      server.signal('SIGHUP')
      await until(() => childrenOf(server.pid).length === 3, server.stderr)
      process.kill(before[index]!, 'SIGKILL')
      await until(() => server.logged('ROLLED') === 1, server.stderr)
      await until(
        () => childrenOf(server.pid).length === 2,
        () => `${childrenOf(server.pid).length} workers`,
      )
      assert.ok(before.every((pid) => !isAlive(pid)))
      // As many are replaced as there should be: none is there that nobody knows of.
      server.signal('SIGHUP')
      await until(() => server.logged('ROLLED') === 2, server.stderr)
      assert.equal(server.stderr().split('replaced 2 workers').length - 1, 2, server.stderr())
    })
  }

  test('a worker that is told to go by hand is replaced first', async (t) => {
    const server = await startCluster(t, 'bun', [...app, '--workers', '1'])
    const [worker] = childrenOf(server.pid)
    const load = new Load(t, server.port, 2)
    await until(() => load.answered > 50, 'no answers')
    process.kill(worker!, 'SIGTERM')
    await until(() => !isAlive(worker!), 'it is still there')
    await load.end()
    assert.deepEqual([load.lost, load.refused], [[], []])
    assert.equal(server.logged('WORKER_DIED'), 0)
  })

  test('under a watchdog a worker that stands still is killed, and another takes its place', async (t) => {
    const env = { WATCHDOG_USEC: '800000' }
    const server = await startCluster(t, 'node', [...app, '--workers', '1'], { env })
    const [worker] = childrenOf(server.pid)
    const blocked = fetch(`${server.url}block`).catch(() => {})
    await until(() => server.logged('WORKER_STUCK') === 1, server.stderr)
    await blocked
    assert.match(await text(server.url), /^\d+$/)
    assert.ok(!isAlive(worker!))
  })
})
