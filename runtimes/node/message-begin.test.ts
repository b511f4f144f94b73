import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { beginHearer, onceBegun, tellsOfBegin } from './message-begin.ts'

test('the first byte of a head is told once, and a blank line in front of it is none', async (t) => {
  const told: Socket[] = []
  const hearer = beginHearer((socket) => told.push(socket))
  const server = createServer((_, outgoing) => outgoing.end('x'))
  t.after(() => server.close())
  const connections: Socket[] = []
  server.on('connection', (socket) => {
    connections.push(socket)
    assert.ok(onceBegun(socket, hearer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => client.destroy())
  client.setNoDelay()

  assert.ok(!tellsOfBegin())
  client.write('\r\n')
  await delay(50)
  assert.deepEqual(told, [])

  client.write('G')
  await delay(50)
  assert.deepEqual(told, connections)
  assert.ok(tellsOfBegin())

  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  client.write(request.slice(1) + request)
  await once(client, 'data')
  await delay(50)
  assert.equal(told.length, 1, 'nobody had asked for a second one')

  assert.ok(onceBegun(connections[0]!, hearer))
  client.write(request)
  await once(client, 'data')
  assert.equal(told.length, 2)
})

test('a socket without a parser tells of nothing', () => {
  assert.ok(!onceBegun({} as Socket, () => {}))
  assert.ok(!onceBegun({ parser: {} } as unknown as Socket, () => {}))
})
