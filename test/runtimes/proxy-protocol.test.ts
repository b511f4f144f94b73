/**
 * PROXY protocol on the listeners of the hangup engine from outside, on each runtime, with and
 * without TLS behind it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { proxyHeader } from '../../src/net/proxy-protocol.ts'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

const first = makeCertificate(['first.example'])
const second = makeCertificate(['second.example'])

const proxyProtocol = { trust: ['127.0.0.1', ''] }
const client = { address: '2001:db8::7', port: 4711 }
const destination = { address: '2001:db8::1', port: 443 }
const headers = [proxyHeader('v1', client, destination), proxyHeader('v2', client, destination)]
const request = 'GET /whoami HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

function joined(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)))
}

async function tcp(t: TestContext, at: number | string): Promise<Socket> {
  const socket = typeof at === 'string' ? connect(at) : connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.setNoDelay(true)
  return socket
}

/** Until the end; a reset counts as one. */
async function rest(socket: Socket): Promise<string> {
  let text = ''
  try {
    for await (const chunk of socket) text += chunk
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  }
  return text
}

/** Cut so that the header, what follows it, and the border between them are all split somewhere. */
async function drip(socket: Socket, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.subarray(at, at + size))
    await delay(1)
  }
}

for (const [runtime, command] of Object.entries(runtimeCommands)) {
  describe(`PROXY protocol on ${runtime}`, () => {
    test('the client is the one that was announced, however the bytes are cut', async (t) => {
      const { port } = await startListener(t, command, { proxyProtocol })
      for (const header of headers) {
        for (const size of [1_000, 31, 1]) {
          const socket = await tcp(t, port)
          const answer = rest(socket)
          await drip(socket, joined(header, request), size)
          assert.match(await answer, /^HTTP\/1\.1 200[\s\S]*2001:db8::7 4711\n/)
        }
        // The header alone, then silence for a moment.
        const socket = await tcp(t, port)
        socket.write(header)
        await delay(50)
        socket.write(request)
        assert.match(await rest(socket), /2001:db8::7 4711\n/)
      }
    })

    test('a header that announces nobody leaves the peer as it is', async (t) => {
      const { port } = await startListener(t, command, { proxyProtocol })
      for (const version of ['v1', 'v2'] as const) {
        const socket = await tcp(t, port)
        socket.write(joined(proxyHeader(version, null, null), request))
        assert.match(await rest(socket), new RegExp(`127\\.0\\.0\\.1 ${socket.localPort}\\n`))
      }
    })

    test('TLS begins behind the header, by the name that is asked for', async (t) => {
      const { port } = await startListener(t, command, { proxyProtocol, tls: { certificates: [first, second] } })
      for (const header of headers) {
        for (const [servername, certificate] of [
          ['first.example', first],
          ['second.example', second],
        ] as const) {
          for (const together of [true, false]) {
            const raw = await tcp(t, port)
            // Corked, the ClientHello leaves in one piece with it.
            if (together) raw.cork()
            raw.write(header)
            if (together) setTimeout(() => raw.uncork(), 30)
            else await delay(30)
            const socket = connectTls({ socket: raw, servername, ca: certificate.cert, ALPNProtocols: ['http/1.1'] })
            socket.write(request)
            assert.match(await rest(socket), /^HTTP\/1\.1 200[\s\S]*2001:db8::7 4711\n/)
          }
        }
      }
    })

    test('a peer that must announce and does not, or wrongly, is closed, and its operator told why', async (t) => {
      const { port, stderr, say } = await startListener(t, command, { proxyProtocol })
      for (const wrong of [
        request,
        'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n',
        joined(headers[1]!.subarray(0, 12), Uint8Array.of(0x31)),
      ]) {
        const socket = await tcp(t, port)
        socket.write(typeof wrong === 'string' ? wrong : joined(wrong, request))
        assert.equal(await rest(socket), '')
      }
      await delay(50)
      assert.match(stderr(), /closed a connection from 127\.0\.0\.1: it does not begin with a PROXY protocol header/)
      assert.equal(JSON.parse(await say('connections')).open, 0)
    })

    test('a peer that says nothing, or half a header, is closed by the clock that began at accept', async (t) => {
      for (const tls of [null, first]) {
        const { port, say } = await startListener(t, command, {
          proxyProtocol,
          ...(tls ? { tls, handshakeTimeoutMs: 500 } : { headTimeoutMs: 500 }),
        })
        const began = performance.now()
        await Promise.all(
          ['', 'PROXY TCP4 ', headers[1]!.subarray(0, 20)].map(async (start) => {
            const socket = await tcp(t, port)
            socket.write(start)
            assert.equal(await rest(socket), '')
            const after = performance.now() - began
            assert.ok(after > 400 && after < 1_500, `closed after ${after} ms`)
          }),
        )
        await delay(50)
        assert.equal(JSON.parse(await say('connections')).open, 0)
      }
    })

    test('a peer that ends before its header is whole is let go of at once', async (t) => {
      const { port, say } = await startListener(t, command, { proxyProtocol, tls: first })
      for (const start of ['', 'PROXY TCP4 ']) {
        const socket = await tcp(t, port)
        socket.end(start)
        assert.equal(await rest(socket), '')
      }
      await delay(50)
      assert.equal(JSON.parse(await say('connections')).open, 0)
    })

    test('peers that are not trusted are closed, or served as clients of their own where that is allowed', async (t) => {
      const strict = await startListener(t, command, { proxyProtocol: { trust: ['192.0.2.1'] } })
      const refused = await tcp(t, strict.port)
      refused.write(joined(headers[0]!, request))
      assert.equal(await rest(refused), '')

      const open = await startListener(t, command, { proxyProtocol: { trust: ['192.0.2.1'], others: 'direct' } })
      const direct = await tcp(t, open.port)
      direct.write(request)
      assert.match(await rest(direct), new RegExp(`127\\.0\\.0\\.1 ${direct.localPort}\\n`))
      const forged = await tcp(t, open.port)
      forged.write(joined(headers[0]!, request))
      assert.match(await rest(forged), /^HTTP\/1\.1 400/)
    })

    test('a peer on a Unix socket announces its clients as well', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'hangup-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const unix = join(folder, 'front.sock')
      await startListener(t, command, { proxyProtocol, unix })
      const socket = await tcp(t, unix)
      socket.write(joined(headers[0]!, request))
      assert.match(await rest(socket), /2001:db8::7 4711\n/)
    })
  })
}

for (const runtime of ['node', 'bun'] as const) {
  test(`the native server of ${runtime} refuses PROXY protocol when it starts`, async (t) => {
    await assert.rejects(
      startListener(t, runtimeCommands[runtime], { proxyProtocol, engine: 'native' }),
      /engine \(--engine, HANGUP_ENGINE\) native: it does not read PROXY protocol; accepted: auto, hangup/,
    )
  })
}
