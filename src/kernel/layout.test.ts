import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  emptySnapshot,
  isAt,
  leastTcpInfo,
  peerName,
  readAddress,
  readCounter,
  readDescriptors,
  readTcpInfo,
  tcpInfo,
} from './layout.ts'

const view = (size: number) => new DataView(new ArrayBuffer(size))

function address6(...groups: readonly number[]): DataView {
  const bytes = view(28)
  bytes.setUint16(0, 10, true)
  bytes.setUint16(2, 8_080)
  for (const [index, group] of groups.entries()) bytes.setUint16(8 + index * 2, group)
  return bytes
}

test('readAddress() reads IPv4, IPv6 as RFC 5952 wants it, and IPv4 in IPv6', () => {
  const four = view(16)
  four.setUint16(0, 2, true)
  four.setUint16(2, 80)
  four.setUint32(4, 0x7f000001)
  assert.deepEqual(readAddress(four), { host: '127.0.0.1', port: 80 })
  const shown = (...groups: readonly number[]) => readAddress(address6(...groups))?.host
  assert.equal(shown(0, 0, 0, 0, 0, 0, 0, 1), '::1')
  assert.equal(shown(0, 0, 0, 0, 0, 0, 0, 0), '::')
  assert.equal(shown(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), '2001:db8::1:0:0:1')
  assert.equal(shown(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1')
  assert.equal(shown(0xfe80, 0, 0, 0, 1, 2, 3, 0), 'fe80::1:2:3:0')
  assert.equal(shown(0, 0, 0, 0, 0, 0xffff, 0x0a00, 0x0102), '10.0.1.2')
  assert.equal(readAddress(view(28)), null)
})

test('peerName() is the same for a client of either kind of listener', () => {
  assert.equal(peerName('::ffff:10.0.1.2', 5), peerName('10.0.1.2', 5))
  assert.notEqual(peerName('::ffff:1', 5), peerName('1', 5))
})

test('readTcpInfo() takes what an older kernel does not return for absent', () => {
  const info = view(tcpInfo.size)
  info.setUint8(tcpInfo.state, 1)
  info.setUint32(tcpInfo.sndMss, 1_000, true)
  info.setUint32(tcpInfo.unacked, 2, true)
  info.setUint32(tcpInfo.lastDataSent, 30, true)
  info.setUint32(tcpInfo.lastDataRecv, 40, true)
  info.setBigUint64(tcpInfo.bytesAcked, 2n ** 33n + 5n, true)
  info.setBigUint64(tcpInfo.bytesReceived, 7n, true)
  info.setUint32(tcpInfo.notsentBytes, 500, true)
  info.setUint32(tcpInfo.dataSegsIn, 9, true)
  const whole = emptySnapshot()
  assert.ok(readTcpInfo(info, tcpInfo.size, whole))
  assert.deepEqual(whole, {
    state: 1,
    sentAgoMs: 30,
    receivedAgoMs: 40,
    received: 7,
    acked: 2 ** 33 + 5,
    unsent: 2_500,
    segmentsIn: 9,
    segmentsOut: 0,
  })
  const old = emptySnapshot()
  assert.ok(readTcpInfo(info, leastTcpInfo, old))
  assert.equal(old.unsent, 2_000)
  assert.equal(old.segmentsIn, 0)
  assert.ok(!readTcpInfo(info, 104, old))
})

test('readDescriptors() reads the numbers among the entries of a directory', () => {
  const entries = view(128)
  let at = 0
  for (const name of ['.', '..', '0', '17']) {
    const size = Math.ceil((19 + name.length + 1) / 8) * 8
    entries.setUint16(at + 16, size, true)
    for (const [index, character] of [...name].entries()) entries.setUint8(at + 19 + index, character.charCodeAt(0))
    at += size
  }
  assert.deepEqual(readDescriptors(entries, at), [0, 17])
})

test('readCounter() finds a counter by its name', () => {
  const text = 'TcpExt: SyncookiesSent TCPAbortOnData\nTcpExt: 1 42\nIpExt: A\nIpExt: 7\n'
  assert.equal(readCounter(text, 'TcpExt', 'TCPAbortOnData'), 42)
  assert.equal(readCounter(text, 'IpExt', 'A'), 7)
  assert.equal(readCounter(text, 'TcpExt', 'Nothing'), null)
  assert.equal(readCounter('', 'TcpExt', 'TCPAbortOnData'), null)
})

test('a socket belongs to the listener whose address it has', () => {
  const owns = (listener: string, local: string) => isAt({ host: listener, port: 80 }, { host: local, port: 80 })
  assert.ok(owns('127.0.0.1', '127.0.0.1') && owns('::1', '::1') && owns('fe80::1%eth0', 'fe80::1'))
  assert.ok(owns('0.0.0.0', '127.0.0.2') && owns('::', '127.0.0.2') && owns('::', '::1'))
  assert.ok(!owns('127.0.0.1', '127.0.0.2') && !owns('0.0.0.0', '::1') && !owns('::1', '127.0.0.1'))
  assert.equal(isAt({ host: '::', port: 80 }, { host: '::1', port: 81 }), false)
})
