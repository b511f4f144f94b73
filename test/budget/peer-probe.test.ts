/**
 * A client that vanished is found out by TCP keepalive alone, with no other limit in force, on each
 * engine. Linux, as root.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { probingMs } from '../../src/policy/held-by.ts'
import { socketCount } from '../../src/probe/client/kernel.ts'
import { testsMayVanish, VanishingHost } from '../../src/probe/client/vanish.ts'
import { type RuntimeName, runtimes } from '../conformance/runtimes.ts'
import { startServer } from '../lib/server.ts'

const engines: readonly RuntimeName[] = ['node', 'node-hangup', 'bun', 'bun-hangup', 'deno', 'deno-hangup']
const probeMs = 1_000
/** 10 %. */
const slackMs = 1_100
const pollMs = 50

const skip = testsMayVanish() ? false : 'it takes TEST_VANISHING_CLIENT=1, CAP_NET_ADMIN and iproute2'

describe('with the idle limit off a client that vanished while idle is gone after its probes', { skip }, () => {
  let host: VanishingHost
  before(async () => {
    host = await VanishingHost.appear(process.pid)
  })
  after(() => host.forget())

  test(`on ${engines.join(', ')}`, async (t) => {
    const answered = await Promise.all(
      engines.map(async (name) => {
        const { command, listen } = runtimes[name]
        const flags = ['--idle-timeout', 'off', '--peer-probe', '1s']
        const { pid, port } = await startServer(t, [...command, ...listen(0, 'tcp'), ...flags])
        const socket = connect({ port, host: '127.0.0.1', localAddress: host.address })
        socket.on('error', () => {})
        t.after(() => socket.destroy())
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        await new Promise((resolve) => socket.once('data', resolve))
        return { name, pid, answeredAt: performance.now(), sockets: socketCount(pid)! }
      }),
    )
    await host.vanish()
    const vanishedAt = performance.now()
    await Promise.all(
      answered.map(async ({ name, pid, answeredAt, sockets }) => {
        const isHeld = () => socketCount(pid) === sockets
        assert.ok(isHeld(), `${name} has let go before`)
        const lastAt = vanishedAt + probeMs + probingMs + slackMs
        while (isHeld() && performance.now() < lastAt) await delay(pollMs)
        const heldMs = performance.now() - answeredAt
        assert.ok(!isHeld(), `${name} still holds it after ${Math.round(heldMs)} ms`)
        // A probe that was answered, before the client vanished, begins it anew; none can have failed earlier.
        assert.ok(heldMs >= probeMs + probingMs, `${name} let go after ${Math.round(heldMs)} ms`)
        t.diagnostic(`${name}: ${Math.round(heldMs)} ms`)
      }),
    )
  })
})
