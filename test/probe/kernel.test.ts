import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { heldByServer, parseRows, socketCount, tcpRows } from '../../src/probe/client/kernel.ts'

test('parseRows() reads ports, states, bytes that wait and whether a process holds the socket', () => {
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 0100007F:C350 08 0000001F:00000001 00:00000000 00000000     0        0 123456 1 0000000000000000',
    '   1: 0100007F:1F90 0100007F:C351 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0000000000000000',
  ].join('\n')
  assert.deepEqual(parseRows(text), [
    { localPort: 8080, remotePort: 50_000, state: 'CLOSE_WAIT', unacknowledged: 31, inode: 123_456 },
    { localPort: 8080, remotePort: 50_001, state: 'TIME_WAIT', unacknowledged: 0, inode: 0 },
  ])
})

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

test('a socket that stands twice in the table counts once, what nobody holds as often as it is there', () => {
  const row = (inode: number) =>
    `   0: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0\n`
  assert.deepEqual(
    parseRows(row(7) + row(8) + row(7) + row(0) + row(0)).map(({ inode }) => inode),
    [7, 8, 0, 0],
  )
})
