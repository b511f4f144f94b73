/** What goes wrong under load, and what clients see of it: nothing that could be helped. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Program, startProgram } from '../lib/program.ts'
import { commandOn, runtimeNames } from '../lib/runtimes.ts'
import { type Port, urlOf } from '../lib/server.ts'
import { connectionsTo } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { ask, load } from './clients.ts'
import { startGateway } from './process.ts'

/** The name is what it answers. */
async function startPlain(t: TestContext, name: string): Promise<Program & Port> {
  const program = await startProgram(t, commandOn('node', 'test/fixtures/backends/plain.ts', name))
  return { ...program, port: Number(program.line) }
}

const executed = ({ stdout }: Program) => stdout().trim().split('\n').slice(1)

for (const name of runtimeNames) {
  describe(`under load, on ${name}`, () => {
    test('an upstream that is killed loses no GET, and no POST is executed twice', async (t) => {
      const backends = [await startPlain(t, 'a'), await startPlain(t, 'b')] as const
      const gateway = await startGateway(t, name, backends)
      const statuses = new Map<string, number>()
      let posted = 0
      const killed = sleep(700).then(() => backends[0].kill())
      const [gets, posts] = await Promise.all([
        load(50, 3_000, async (agent) => {
          const { status } = await ask(gateway.port, '/?ms=20', { agent })
          if (status !== 200) throw new Error(`${status}`)
        }),
        load(10, 600, async (agent) => {
          const id = `post-${++posted}`
          const { status } = await ask(gateway.port, '/?ms=20', {
            method: 'POST',
            headers: { 'X-Id': id },
            body: id,
            agent,
          })
          statuses.set(id, status)
        }),
      ])
      await killed
      assert.deepEqual(gets, {})
      assert.deepEqual(posts, {})
      const ids = backends.flatMap(executed)
      assert.equal(new Set(ids).size, ids.length, 'a POST was executed twice')
      assert.deepEqual(
        [...statuses.values()].filter((status) => status !== 200 && status !== 502),
        [],
      )
      for (const [id, status] of statuses)
        if (status === 200) assert.ok(ids.includes(id), `${id} was answered by nobody`)
      // Otherwise the kill has met nothing.
      assert.ok(executed(backends[0]).length > 0 && executed(backends[1]).length > 0)
    })

    test('reloads under load lose none of 10,000 requests, and a bad one changes nothing', async (t) => {
      const [a, b] = [await startPlain(t, 'a'), await startPlain(t, 'b')]
      const folder = await mkdtemp(join(tmpdir(), 'hangup-load-'))
      t.after(() => rm(folder, { recursive: true }))
      const file = join(folder, 'hangup.config.json')
      const write = async (text: string) => {
        await writeFile(`${file}.new`, text)
        await rename(`${file}.new`, file)
      }
      const to = (backend: Port) => write(JSON.stringify({ to: urlOf(backend) }))
      await to(a)
      const gateway = await startGateway(t, name, [], ['--config', file])
      const seen: Record<string, number> = {}
      let asked = 0
      const done = load(40, 10_000, async (agent) => {
        asked++
        const { status, body } = await ask(gateway.port, '/', { agent })
        if (status !== 200) throw new Error(`${status}`)
        seen[body.trim()] = (seen[body.trim()] ?? 0) + 1
      })
      const says = (text: string, times: number) =>
        eventually(
          () => gateway.stderr().split(text).length - 1,
          (count) => count >= times,
          10_000,
        )
      for (const [number, backend] of [b, a, b, a].entries()) {
        await to(backend)
        if (number % 2 === 1) gateway.signal('SIGHUP')
        assert.ok((await says('reloaded ', number + 1)) > number, gateway.stderr())
      }
      await write('{ "to": "ftp://nowhere" }')
      assert.equal(await says('reload refused', 1), 1)
      assert.equal((await ask(gateway.port, '/')).body, 'a\n')
      assert.ok(asked < 10_000, 'the load had ended before the last reload')
      assert.deepEqual(await done, {})
      assert.equal((seen['a'] ?? 0) + (seen['b'] ?? 0), 10_000)
      assert.ok((seen['b'] ?? 0) > 0)
      await to(b)
      gateway.signal('SIGHUP')
      assert.equal(
        await eventually(
          () => connectionsTo(a.port),
          (count) => count === 0,
          3_000,
        ),
        0,
        'what is left of the old group',
      )
    })

    test('a drain answers all that was asked, exits 0 and leaves no connection behind', async (t) => {
      const backend = await startPlain(t, 'a')
      const gateway = await startGateway(t, name, [backend])
      const answers: number[] = []
      const failures: string[] = []
      const until = performance.now() + 1_000
      const clients = Promise.all(
        Array.from({ length: 30 }, async () => {
          for (;;) {
            const late = performance.now() > until
            try {
              const { status, headers } = await ask(gateway.port, '/?ms=300')
              answers.push(status)
              if (headers['connection'] === 'close') return
            } catch (error) {
              // Whoever comes when the listener has gone is told so by the kernel.
              const { code } = error as NodeJS.ErrnoException
              if (code !== 'ECONNREFUSED' || !late) failures.push(`${code}`)
              return
            }
          }
        }),
      )
      await sleep(1_000)
      gateway.signal('SIGTERM')
      await clients
      assert.deepEqual(failures, [])
      assert.deepEqual(new Set(answers), new Set([200]))
      assert.equal((await gateway.exited).code, 0)
      // The backend has to hear of the end as well.
      const left = await eventually(
        () => connectionsTo(backend.port),
        (count) => count === 0,
        1_000,
      )
      assert.equal(left, 0)
    })
  })
}
