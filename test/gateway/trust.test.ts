/** Whose word about the client is believed: never that of a peer that nobody knows. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { onEachRuntime } from '../lib/runtimes.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

const spoofing = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n'
const tls = ['--tls-cert', 'test/fixtures/tls/cert.pem', '--tls-key', 'test/fixtures/tls/key.pem', '--http2']

onEachRuntime('with --trust unix:', (name) => {
  for (const native of name === 'node' ? [false, true] : [false]) {
    const title = native ? 'to the server of HTTP/2' : 'to our engine'
    test(`a client that resets as soon as it has asked is not taken for one on a Unix socket (${title})`, async (t) => {
      const backend = await rawBackend(t, {
        '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      })
      const gateway = await startGateway(t, name, [backend], ['--trust', 'unix:', ...(native ? tls : [])])
      for (let i = 0; i < 200; i++) {
        const at = { port: gateway.port, host: '127.0.0.1' }
        const tcp = connect({ ...at, noDelay: true })
        const socket: Socket = native ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
        socket.on('error', () => {})
        tcp.on('error', () => {})
        socket.once(native ? 'secureConnect' : 'connect', () => {
          socket.write(spoofing, () => void tcp.resetAndDestroy())
        })
        if (i % 20 === 0) await sleep(2)
      }
      await sleep(500)
      assert.deepEqual(
        backend.heads.filter((head) => head.includes('192.0.2.66')),
        [],
      )
      assert.doesNotMatch(gateway.stderr(), /^\s+at /m)
      if (!native) assert.equal((await ask(gateway.port, '/')).body, 'ok')
    })
  }
})
