import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText, parseTcpTable } from './tcp-table.ts'

test('parseTcpTable() reads ports, states, bytes that wait and whether a process holds the socket', () => {
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 0100007F:C350 08 0000001F:00000001 00:00000000 00000000     0        0 123456 1 0000000000000000',
    '   1: 0100007F:1F90 0100007F:C351 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0000000000000000',
  ].join('\n')
  assert.deepEqual(parseTcpTable(text), [
    {
      localAddress: '0100007F',
      localPort: 8080,
      remotePort: 50_000,
      state: 'CLOSE_WAIT',
      unacknowledged: 31,
      inode: 123_456,
    },
    { localAddress: '0100007F', localPort: 8080, remotePort: 50_001, state: 'TIME_WAIT', unacknowledged: 0, inode: 0 },
  ])
})

test('a socket that stands twice in the table counts once, what nobody holds as often as it is there', () => {
  const row = (inode: number) =>
    `   0: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0\n`
  assert.deepEqual(
    parseTcpTable(row(7) + row(8) + row(7) + row(0) + row(0)).map(({ inode }) => inode),
    [7, 8, 0, 0],
  )
})

test('addresses are read in the machine’s byte order', () => {
  assert.equal(addressText('0100007F'), '127.0.0.1')
  assert.equal(addressText('00000000000000000000000001000000'), '[0:0:0:0:0:0:0:1]')
  assert.equal(addressText('B80D0120000000000000000001000000'), '[2001:db8:0:0:0:0:0:1]')
})
