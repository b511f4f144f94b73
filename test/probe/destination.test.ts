import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { Connection } from '../../src/probe/client/client.ts'
import { destination, isLoopback } from '../../src/probe/client/destination.ts'

test('loopback is 127/8 and ::1 in every spelling', () => {
  for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])
    assert.ok(isLoopback(ip), ip)
  for (const ip of ['128.0.0.1', '10.0.0.1', '0.0.0.0', '::', '::2', '::ffff:10.0.0.1', 'localhost', '']) {
    assert.ok(!isLoopback(ip), ip)
  }
})

describe('destination', () => {
  const names = (...ips: string[]) => ({ resolve: async () => ips })

  test('is the addresses that were checked', async () => {
    assert.deepEqual(await destination('::1', false), ['::1'])
    assert.deepEqual(await destination('a.test', false, names('127.0.0.1', '::1').resolve), ['127.0.0.1', '::1'])
  })

  test('refuses a name with a single address elsewhere', async () => {
    const mixed = destination('a.test', false, names('127.0.0.1', '192.0.2.1').resolve)
    await assert.rejects(mixed, /<url> a\.test: 192\.0\.2\.1 is not this machine.*--i-may-test-this-host/)
    await assert.rejects(destination('192.0.2.1', false), /<url> 192\.0\.2\.1: it is not this machine/)
    assert.deepEqual(await destination('a.test', true, names('192.0.2.1').resolve), ['192.0.2.1'])
  })

  test('is the one that is connected to, whatever the name means by then', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const connection = await Connection.open({ host: 'elsewhere.invalid', ip: '127.0.0.1', port, tls: false })
      connection.destroy()
    } finally {
      server.close()
    }
  })

  test('says when there is no address', async () => {
    const failed = async () => {
      throw Object.assign(new Error('no'), { code: 'ENOTFOUND' })
    }
    await assert.rejects(
      destination('a.test', false, failed),
      /^UnreachableError: the name a\.test does not resolve \(ENOTFOUND\)/,
    )
    await assert.rejects(destination('a.test', true, names().resolve), /a\.test has no address/)
  })
})
