/**
 * WebSockets of Deno.serve whose client, or handler, does not see them through: no descriptor, no
 * timer and no server is lost.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../lib/client.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { descriptorsOf } from '../lib/sockets.ts'
import { eventually, until } from '../lib/wait.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const app = new URL('busy-app.ts', import.meta.url).href

const upgrade = (port: number, path: string): Client =>
  new Client(port).send(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
const switched = /^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/

test('a client that goes while its upgrade is being decided on leaves no descriptor', {
  skip,
  timeout: 20_000,
}, async (t) => {
  // With `maxConnections` every request is noted at once.
  for (const more of [{}, { maxConnections: 100 }]) {
    const options = { app, engine: 'native', idleTimeoutMs: 60_000, ...more }
    const { port, pid, say } = await startListener(t, runtimeCommands.deno, options)
    const descriptors = () => descriptorsOf(pid)
    const beside = await Client.open(port)
    const said = async (path: string) => {
      beside.text = ''
      const answer = await beside.get(path).heard(/\r\n\r\n\S+$/)
      return answer.slice(answer.indexOf('\r\n\r\n') + 4)
    }
    await upgrade(port, '/ws').heard(switched)
    await said('/held')
    const before = descriptors()
    const leave: ((client: Client) => void)[] = [(c) => c.reset(), (c) => c.finish(), (c) => c.destroy()]
    const clients = [...leave, ...leave].map((end) => ({ client: upgrade(port, '/ws-held'), end }))
    await until(async () => (await said('/held')) === `${clients.length}`, 'all are held', 5_000)
    for (const { client, end } of clients) end(client)
    // Deno itself keeps one that is reset in the instant of its upgrade (docs/engines.md).
    await delay(500)
    await said('/release')
    await eventually(descriptors, (count) => count <= before, 5_000)
    assert.equal(descriptors(), before)
    assert.deepEqual(JSON.parse(await say('told')), [], 'it is nobody’s fault')
    assert.match(await upgrade(port, '/ws').heard(switched), switched)
  }
})

test('a handler that fails after its upgrade loses that connection, and the server nothing', {
  skip,
  timeout: 20_000,
}, async (t) => {
  const { port, say } = await startListener(t, runtimeCommands.deno, { app, engine: 'native' })
  const lost = upgrade(port, '/ws-lost')
  // A close frame of two bytes: 1011.
  assert.match(await lost.heard(/\x88\x02\x03\xf3$/, 3_000), /^HTTP\/1\.1 101 [\s\S]*\x88\x02\x03\xf3$/)
  lost.destroy()
  const told = JSON.parse(await say('told'))
  assert.match(told.join(), /GET \/ws-lost Error: after the upgrade/)
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'ok\n')
})

for (const engine of ['native', 'hangup']) {
  test(`${engine} engine: a WebSocket that ends uncleanly does not keep the process`, {
    skip,
    timeout: 20_000,
  }, async (t) => {
    const { port, say, exited, endInput } = await startListener(t, runtimeCommands.deno, {
      app,
      engine,
      signals: false,
    })
    const client = upgrade(port, '/ws')
    await client.heard(switched)
    client.reset()
    await delay(300)
    await say('drain')
    const from = performance.now()
    endInput()
    await exited
    assert.ok(performance.now() - from < 3_000, `it took ${Math.round(performance.now() - from)} ms`)
  })
}
