/**
 * Upstreams that are killed and come back: as long as one is up, no request that may be sent twice
 * fails.
 */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lifetime, type Program, startProgram } from '../lib/program.ts'
import { commandOn, onEachRuntime } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'

/** A server in a process of its own that keeps its port over its restarts. */
class Restarting implements Port {
  port = 0
  readonly #t: Lifetime
  #program: Program | null = null

  constructor(t: Lifetime) {
    this.#t = t
  }

  /** On the port that it had, if it had one. */
  async start(): Promise<this> {
    const started = await startProgram(
      this.#t,
      commandOn('node', 'test/fixtures/backends/restarting.ts', String(this.port)),
    )
    this.#program = started
    this.port = Number(started.line)
    return this
  }

  /** SIGKILL, whatever it is doing. */
  async kill(): Promise<void> {
    await this.#program?.kill()
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }
}

onEachRuntime('behind a gateway', (name) => {
  test('two upstreams, one of which is killed every 1.3 s: every GET is answered', async (t) => {
    const backends = await Promise.all([new Restarting(t).start(), new Restarting(t).start()])
    t.after(() => Promise.all(backends.map((backend) => backend.kill())))
    const gateway = await startGateway(t, name, backends)
    const statuses = new Map<string, number>()
    let over = false
    const client = async () => {
      const agent = new Agent({ keepAlive: true })
      while (!over) {
        const { status, headers } = await ask(gateway.port, '/', { agent })
        const what = status === 200 ? '200' : `${status} ${headers['hangup-reason']}`
        statuses.set(what, (statuses.get(what) ?? 0) + 1)
        await sleep(5)
      }
      agent.destroy()
    }
    const clients = Promise.all(Array.from({ length: 10 }, client))
    for (let kill = 0; kill < 4; kill++) {
      const next = sleep(1_300)
      await backends[kill % 2]!.restart()
      await next
    }
    over = true
    await clients
    assert.deepEqual([...statuses.keys()], ['200'])
  })

  test('one that was ejected and is back takes over when the other goes down', async (t) => {
    const [first, second] = await Promise.all([new Restarting(t).start(), new Restarting(t).start()])
    t.after(() => Promise.all([first!.kill(), second!.kill()]))
    const gateway = await startGateway(t, name, [first!, second!])
    const ten = () => Promise.all(Array.from({ length: 10 }, () => ask(gateway.port, '/').then(({ status }) => status)))
    await first!.kill()
    for (let i = 0; i < 3; i++) await ten()
    assert.match(gateway.stderr(), /ejected for 10s/)
    await first!.start()
    await second!.kill()
    const statuses = new Set([...(await ten()), ...(await ten()), ...(await ten())])
    assert.deepEqual([...statuses], [200])
  })
})
