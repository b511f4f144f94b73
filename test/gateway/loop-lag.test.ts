/** A gateway under `maxLoopLagMs`: what waited while its loop stood still costs no upstream more. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onEachRuntime } from '../lib/runtimes.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

const maxLoopLagMs = 300
const pauseMs = 1_000
const waiting = 8

onEachRuntime('a gateway whose loop is behind', (name) => {
  test('answers 503 and asks no upstream, says which limit it was, and serves once it has caught up', async (t) => {
    const backend = await rawBackend(t, {
      '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      '/waited': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    })
    const flags = ['--max-loop-lag', `${maxLoopLagMs}ms`, '--admin', '0']
    const { port, report, signal } = await startGateway(t, name, [backend], flags)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    // The lag is measured while somebody asks.
    for (let i = 0; i < 20; i++) assert.equal((await ask(port, '/', { agent })).status, 200)
    signal('SIGSTOP')
    const asked = Promise.all(Array.from({ length: waiting }, () => ask(port, '/waited')))
    await sleep(pauseMs)
    signal('SIGCONT')
    const answers = await asked
    const refused = answers.filter(({ status }) => status === 503)
    assert.ok(refused.length > 0)
    for (const { headers } of refused) assert.equal(headers['retry-after'], '1')
    const passedOn = backend.heads.filter((head) => head.startsWith('GET /waited ')).length
    assert.equal(passedOn, waiting - refused.length)
    const metrics = await (await fetch(new URL('metrics', report['admin']))).text()
    assert.match(
      metrics,
      new RegExp(`^hangup_limits_enforced_total\\{.*option="maxLoopLagMs".*\\} ${refused.length}$`, 'm'),
    )
    await sleep(100)
    for (let i = 0; i < 20; i++) assert.equal((await ask(port, '/', { agent })).status, 200)
  })
})
