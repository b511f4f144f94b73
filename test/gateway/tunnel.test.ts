/**
 * WebSockets through a gateway: a tunnel into which it puts nothing, and which it ends only when it
 * is quiet.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { Connection } from '../../src/probe/client/client.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

interface Echo extends Port {
  open(): number
}

async function echo(t: TestContext): Promise<Echo> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => {})
  })
  t.after(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, open: () => server.clients.size }
}

async function dial(t: TestContext, { port }: Port): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

/** The protocol is the backend’s own: what it says after 101 is all that the client gets. */
const upgrade = (protocol: string) =>
  `GET /raw HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

onEachRuntime('an upgraded connection through a gateway', (name) => {
  test('messages pass both ways, 5 MB of binary among them, and the end of one side ends the other', async (t) => {
    const backend = await echo(t)
    const socket = await dial(t, await startGateway(t, name, [backend]))
    socket.send('hello')
    assert.equal(String((await once(socket, 'message'))[0]), 'hello')
    const large = Buffer.alloc(5_000_000, 'abcdefgh')
    socket.send(large)
    const [answer] = (await once(socket, 'message')) as [Buffer]
    assert.ok(large.equals(answer))
    socket.terminate()
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        2_000,
      ),
      0,
    )
  })

  test('limits of HTTP leave it alone; quiet for its own limit, both sides are closed', async (t) => {
    const backend = await echo(t)
    const gateway = await startGateway(
      t,
      name,
      [backend],
      [...['--upgraded-idle-timeout', '1500ms', '--idle-timeout', '500ms', '--upstream-read-timeout', '500ms']],
    )
    const socket = await dial(t, gateway)
    const closed = once(socket, 'close').then(() => performance.now())
    for (let i = 0; i < 4; i++) {
      await sleep(700)
      socket.send('still here')
      await once(socket, 'message')
    }
    const fromMs = performance.now()
    const quietMs = (await Promise.race([closed, sleep(3_000).then(() => Number.POSITIVE_INFINITY)])) - fromMs
    assert.ok(quietMs >= 1_450 && quietMs < 2_000, `${quietMs} ms`)
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        1_500,
      ),
      0,
    )
  })

  test('bytes pass as they are, those sent together with the upgrade too; a half that is closed leaves the other', async (t) => {
    let heard = ''
    let backendEnded = false
    const backend = await rawBackend(t, {
      '/raw': ({ socket, body }) => {
        socket.allowHalfOpen = true
        heard = body()
        socket.write(`${switching}first`)
        socket.on('data', (bytes) => {
          heard += bytes.toString('latin1')
        })
        socket.on('end', () => {
          backendEnded = true
          setTimeout(() => socket.end('last'), 200)
        })
      },
    })
    const gateway = await startGateway(t, name, [backend])
    const client = await Connection.open({ host: '127.0.0.1', port: gateway.port, tls: false })
    client.send(`${upgrade('websocket')}early`)
    await client.until(() => client.reader.raw?.toString() === 'first', performance.now() + 2_000)
    assert.equal(client.reader.answers[0]?.status, 101)
    assert.equal(client.reader.raw?.toString(), 'first')
    client.send('late')
    await eventually(
      () => heard,
      (text) => text === 'earlylate',
      2_000,
    )
    assert.equal(heard, 'earlylate')
    client.finish()
    await client.until(() => client.end !== 'open', performance.now() + 2_000)
    assert.equal(backendEnded, true)
    assert.deepEqual([client.reader.raw?.toString(), client.end], ['firstlast', 'fin'])
    client.destroy()
  })

  test('a protocol that the route does not let through is asked of nobody', async (t) => {
    const backend = await rawBackend(t, {
      '/raw': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    })
    const gateway = await startGateway(t, name, [backend])
    const client = await Connection.open({ host: '127.0.0.1', port: gateway.port, tls: false })
    client.send(upgrade('h2c'))
    await client.until(() => client.reader.answers.length > 0, performance.now() + 2_000)
    assert.equal(client.reader.answers[0]?.status, 200)
    assert.doesNotMatch(backend.heads[0] ?? '', /^(upgrade|connection: *upgrade)/im)
    client.destroy()
  })

  test('a drain closes a WebSocket with 1001, and the process ends', async (t) => {
    const backend = await echo(t)
    const gateway = await startGateway(t, name, [backend])
    const socket = await dial(t, gateway)
    const closed = once(socket, 'close')
    gateway.signal('SIGTERM')
    const [code] = await closed
    assert.deepEqual([code, (await gateway.exited).code], [1001, 0])
  })

  test('a drain cuts what does not end, and the process ends', async (t) => {
    const backend = await echo(t)
    const gateway = await startGateway(t, name, [backend], ['--drain-timeout', '1500ms'])
    const socket = await dial(t, gateway)
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    // So it hears of no close, and answers none.
    socket.pause()
    gateway.signal('SIGTERM')
    assert.equal((await gateway.exited).code, 1)
    socket.resume()
    await closed
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        1_000,
      ),
      0,
    )
  })
})
