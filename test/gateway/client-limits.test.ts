/** What one client address may hold: counted from accept on, whether it says anything or not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { proxyHeader } from '../../src/net/proxy-protocol.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import { connectionsTo } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { opened } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const limit = ['--client-max-connections', '5']

const backendOf = (t: TestContext) =>
  rawBackend(t, { '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') })

async function statusOf(socket: Socket): Promise<number> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return Number(bytes.toString('latin1', 9, 12))
}

onEachRuntime('--client-max-connections 5', (name) => {
  test('one address keeps five silent connections of a hundred; a sixth that asks gets 503', async (t) => {
    const gateway = await startGateway(t, name, [await backendOf(t)], limit)
    const silent = await Promise.all(Array.from({ length: 100 }, () => opened(gateway.port, '')))
    t.after(() => silent.forEach((socket) => void socket.destroy()))
    for (const socket of silent) socket.on('error', () => {}).resume()
    const left = () => connectionsTo(gateway.port)
    // The kernel has them before the gateway does.
    assert.ok((await eventually(left, (count) => count > 5, 3_000)) > 5)
    assert.equal(await eventually(left, (count) => count <= 5, 3_000), 5)
    const sixth = await opened(gateway.port, get)
    assert.equal(await statusOf(sixth), 503)
    for (const socket of silent) socket.destroy()
    await eventually(left, (count) => count === 0, 3_000)
    const next = await opened(gateway.port, get)
    assert.equal(await statusOf(next), 200)
    next.destroy()
  })

  test('behind a balancer that announces its clients, each of them has five', async (t) => {
    const gateway = await startGateway(t, name, [await backendOf(t)], [...limit, '--proxy-protocol', '127.0.0.1'])
    const sockets: Socket[] = []
    t.after(() => sockets.forEach((socket) => void socket.destroy()))
    const statusFor = async (address: string) => {
      const socket = connect({ port: gateway.port, host: '127.0.0.1' })
      sockets.push(socket)
      await once(socket, 'connect')
      socket.write(proxyHeader('v2', { address, port: 1 }, { address: '192.0.2.9', port: 80 }))
      socket.write(get)
      return statusOf(socket)
    }
    const clients = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
    const statuses = await Promise.all(
      clients.flatMap((address) => Array.from({ length: 5 }, () => statusFor(address))),
    )
    assert.deepEqual([...new Set(statuses)], [200])
    assert.deepEqual([await statusFor('192.0.2.1'), await statusFor('192.0.2.5')], [503, 200])
  })
})
