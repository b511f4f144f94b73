import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { heldByServer, socketCount, tcpRows } from '../../src/probe/client/kernel.ts'

test('the server’s side is seen as long as its process holds it', { skip: tcpRows() === null }, async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const before = socketCount(process.pid) ?? 0
  const client = connect(port, '127.0.0.1')
  t.after(() => {
    client.destroy()
    server.close()
  })
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown]
  assert.equal(heldByServer(port, client.localPort ?? 0, performance.now())?.state, 'ESTABLISHED')
  assert.equal(socketCount(process.pid), before + 2)
  client.end()
  accepted.resume()
  await once(accepted, 'end')
  assert.equal(heldByServer(port, client.localPort ?? 0, performance.now())?.state, 'CLOSE_WAIT')
  accepted.destroy()
  await once(accepted, 'close')
  assert.equal(heldByServer(port, client.localPort ?? 0, performance.now()), undefined)
})

test('what the kernel alone still knows is not held by the server', { skip: tcpRows() === null }, async (t) => {
  const server = createServer((socket) => socket.end().destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()
  t.after(() => {
    client.destroy()
    server.close()
  })
  await once(client, 'end')
  const { localPort } = client
  const row = tcpRows(performance.now())?.find((row) => row.localPort === port && row.remotePort === localPort)
  assert.equal(row?.inode, 0, `${row?.state}`)
  assert.equal(heldByServer(port, localPort ?? 0, performance.now()), undefined)
})

test('a process that can’t be seen has no count', () => assert.equal(socketCount(2 ** 31 - 2), null))
