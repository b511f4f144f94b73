/**
 * A connection belongs to the listener whose address it has, though another of the process has the
 * same port.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../lib/client.ts'
import { startProgram } from '../lib/program.ts'
import { commandOn } from '../lib/runtimes.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'

const asking = (port: number, host: string, ms: number): Client => new Client({ port, host }).get(`/?ms=${ms}`)

async function answered(client: Client): Promise<boolean> {
  return /^HTTP\/1\.1 200 /.test(await client.heard(/answered$/))
}

for (const runtime of ['deno', 'bun'] as const) {
  test(`${runtime}: two servers leave each other’s connections and listeners alone`, {
    skip,
    timeout: 20_000,
  }, async (t) => {
    const servers = await startProgram(t, commandOn(runtime, 'test/kernel/two-servers.ts'), { stdin: true })
    const say = async (line: string) => JSON.parse(await servers.say(line))
    const port = Number(servers.line)

    const slow = asking(port, '127.0.0.1', 2_500)
    const idle = asking(port, '127.0.0.1', 0)
    const head = new Client(port).send('GET / HTTP/1.1\r\n')
    const other = asking(port, '127.0.0.2', 0)
    const open = async () => (await say('connections')).map((summary: { open: number }) => summary.open).join()
    let seen = await open()
    for (const until = performance.now() + 5_000; seen !== '3,1' && performance.now() < until; seen = await open()) {
      await delay(50)
    }
    assert.equal(seen, '3,1')
    // The limits of the second are a second, those of the first are longer.
    await other.closed
    assert.ok(await answered(other))
    assert.ok(await answered(slow))
    for (const { socket } of [slow, idle, head]) assert.equal(socket.destroyed, false)

    assert.deepEqual(await say('drain'), { cut: 0 })
    for (const { socket } of [slow, idle, head]) assert.equal(socket.destroyed, false)
    assert.ok(await answered(asking(port, '127.0.0.1', 0)), 'it still accepts')
    const refused = connect(port, '127.0.0.2')
    const [error] = await once(refused, 'error')
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  })
}
