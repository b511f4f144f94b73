/** WebSockets of Deno.serve whose client, or handler, does not see them through: no descriptor, no timer and no server is lost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runtimeCommands, startListener } from '../fixtures/start.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const app = new URL('busy-app.ts', import.meta.url).href

function upgrade(port: number, path: string): Socket {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.on('error', () => {})
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  return socket
}

test('a client that goes while its upgrade is being decided on leaves no descriptor', {
  skip,
  timeout: 20_000,
}, async (t) => {
  // With `maxConnections` every request is noted at once.
  for (const more of [{}, { maxConnections: 100 }]) {
    const { port, child, say } = await startListener(t, runtimeCommands.deno, { app, engine: 'native', ...more })
    const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length
    await once(upgrade(port, '/ws'), 'data')
    const before = descriptors()
    const ends: ((socket: Socket) => void)[] = [(s) => s.resetAndDestroy(), (s) => s.end(), (s) => s.destroy()]
    await Promise.all(
      [...ends, ...ends].map(async (end) => {
        const socket = upgrade(port, '/ws?ms=600')
        await delay(300)
        end(socket)
      }),
    )
    for (let waited = 0; waited < 50 && descriptors() > before; waited++) await delay(100)
    assert.equal(descriptors(), before)
    assert.deepEqual(JSON.parse(await say('told')), [], 'it is nobody’s fault')
    assert.match(String(await once(upgrade(port, '/ws'), 'data')), /^HTTP\/1\.1 101 /)
  }
})

test('a handler that fails after its upgrade loses that connection, and the server nothing', {
  skip,
  timeout: 20_000,
}, async (t) => {
  const { port, say } = await startListener(t, runtimeCommands.deno, { app, engine: 'native' })
  const lost = upgrade(port, '/ws-lost')
  let came = ''
  lost.on('data', (data) => {
    came += data
  })
  // A close frame of two bytes: 1011.
  for (let waited = 0; waited < 30 && !came.endsWith('\x88\x02\x03\xf3'); waited++) await delay(100)
  assert.match(came, /^HTTP\/1\.1 101 [\s\S]*\x88\x02\x03\xf3$/)
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
    const { port, child, say } = await startListener(t, runtimeCommands.deno, { app, engine, signals: false })
    const socket = upgrade(port, '/ws')
    await once(socket, 'data')
    socket.resetAndDestroy()
    await delay(300)
    await say('drain')
    const exited = once(child, 'exit')
    const from = performance.now()
    child.stdin.end()
    await exited
    assert.ok(performance.now() - from < 3_000, `it took ${Math.round(performance.now() - from)} ms`)
  })
}
