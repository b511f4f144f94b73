/**
 * TLS of the hangup engine from outside, on each runtime: which certificate is shown, how it is
 * replaced, what is spoken.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { descriptorsOf } from '../lib/sockets.ts'

const first = makeCertificate(['first.example'])
const second = makeCertificate(['second.example', '*.wild.example'])
const third = makeCertificate(['third.example'])
const fourth = makeCertificate(['second.example'])

/** Connected and secured; whatever certificate it shows is taken. */
async function secured(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

async function shown(t: TestContext, port: number, servername?: string): Promise<string> {
  const socket = await secured(t, port, servername === undefined ? {} : { servername })
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  const pem = raw.toString('base64')
  const found = Object.entries({ first, second, third, fourth }).find(([, { cert }]) =>
    cert.replaceAll('\n', '').includes(pem),
  )
  return found?.[0] ?? 'unknown'
}

/** What a client keeps to come again with. */
async function sessionOf(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  t.after(() => socket.destroy())
  const session = once(socket, 'session', { signal: AbortSignal.timeout(5_000) }) as Promise<[Buffer]>
  await once(socket, 'secureConnect')
  await ask(socket)
  const [bytes] = await session
  socket.destroy()
  return bytes
}

async function ask(socket: TLSSocket, path = '/whoami'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString()
}

for (const [runtime, command] of Object.entries(runtimeCommands)) {
  describe(`TLS of the hangup engine on ${runtime}`, () => {
    test('each name is shown its own certificate, any other the first', async (t) => {
      const { port } = await startListener(t, command, { tls: { certificates: [first, second] } })
      assert.equal(await shown(t, port, 'first.example'), 'first')
      assert.equal(await shown(t, port, 'Second.example'), 'second')
      assert.equal(await shown(t, port, 'a.wild.example'), 'second')
      assert.equal(await shown(t, port, 'other.example'), 'first')
      assert.equal(await shown(t, port), 'first')
    })

    test('certificates are replaced under a live connection, which goes on', async (t) => {
      const { port, say } = await startListener(t, command, { tls: { certificates: [first, second] } })
      const live = await secured(t, port, { servername: 'second.example' })
      assert.match(await ask(live), /^HTTP\/1\.1 200/)
      // One that is in its handshake meanwhile is not dropped either.
      const late = connectTcp(port, '127.0.0.1')
      t.after(() => late.destroy())
      await once(late, 'connect')

      assert.equal(await say(JSON.stringify([third, fourth])), 'swapped')
      assert.equal(await shown(t, port, 'second.example'), 'fourth')
      assert.equal(await shown(t, port, 'first.example'), 'third')
      assert.equal(await shown(t, port), 'third')
      assert.match(await ask(live), /^HTTP\/1\.1 200/)
      const joined = connect({ socket: late, servername: 'a', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
      await once(joined, 'secureConnect')
      assert.match(await ask(joined), /^HTTP\/1\.1 200/)

      // Down to one, whose listener asked for no name before.
      assert.equal(await say(JSON.stringify([first])), 'swapped')
      assert.equal(await shown(t, port, 'second.example'), 'first')
      assert.equal(await say(JSON.stringify([first, fourth])), 'swapped')
      assert.equal(await shown(t, port, 'second.example'), 'fourth')
    })

    test('a bad certificate is refused at run time, and the old one is shown on', async (t) => {
      const { port, say } = await startListener(t, command, { tls: first })
      assert.match(
        await say(JSON.stringify([{ cert: first.cert, key: second.key }])),
        /^refused: the key belongs to another/,
      )
      assert.equal(await shown(t, port), 'first')
    })

    test('a bad certificate is refused at start-up', async (t) => {
      await assert.rejects(
        startListener(t, command, { tls: { certificates: [first, { cert: second.cert, key: first.key }] } }),
        /certificate 2 of 2: the key belongs to another certificate than second\.example/,
      )
    })

    test('a client that comes again resumes its session, in TLS 1.2 and 1.3', async (t) => {
      const { port, say } = await startListener(t, command, { tls: first })
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const spoken = { servername: 'first.example', minVersion: version, maxVersion: version }
        const session = await sessionOf(t, port, spoken)
        for (const again of ['once', 'twice']) {
          const resumed = await secured(t, port, { ...spoken, session })
          assert.equal(resumed.isSessionReused(), true, `${version} ${again}`)
          assert.match(await ask(resumed), /^HTTP\/1\.1 200/)
        }
      }
      // Of a session that began under another certificate, and that some runtimes have forgotten with it.
      const session = await sessionOf(t, port)
      assert.equal(await say(JSON.stringify([third])), 'swapped')
      assert.match(await ask(await secured(t, port, { session })), /^HTTP\/1\.1 200/)
    })

    test('TLS 1.2 and 1.3 are spoken, 1.1 is not; http/1.1 by ALPN, nothing else', async (t) => {
      const { port } = await startListener(t, command, { tls: first })
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await secured(t, port, { minVersion: version, maxVersion: version })
        assert.equal(socket.getProtocol(), version)
        assert.equal(socket.alpnProtocol, 'http/1.1')
        assert.match(socket.getCipher().standardName, /GCM|CHACHA20/)
      }
      await assert.rejects(secured(t, port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }))
      await assert.rejects(secured(t, port, { ALPNProtocols: ['h2'] }))
      // Without forward secrecy, or without AEAD.
      for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA']) {
        await assert.rejects(secured(t, port, { maxVersion: 'TLSv1.2', ciphers }))
      }
    })

    test('large messages pass both ways, and a client that half-closes is answered', async (t) => {
      const { port } = await startListener(t, command, { tls: { certificates: [first, second] } })
      const down = await secured(t, port)
      down.write('GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      let bytes = 0
      for await (const chunk of down) {
        bytes += (chunk as Buffer).length
        if (bytes < 100_000) await delay(20)
      }
      assert.ok(bytes > 1_000_000)
      const up = await secured(t, port)
      up.write('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n')
      up.end(Buffer.alloc(3_000_000, 120))
      let text = ''
      for await (const chunk of up) text += chunk
      assert.match(text, /^HTTP\/1\.1 200[\s\S]*\r\n3000000\n/)
    })

    test('plain HTTP is answered 400 in words, whether it comes at once or late, and its connection ended', async (t) => {
      const { port, say } = await startListener(t, command, { tls: { certificates: [first] } })
      const ask = async (method: string, waitMs: number): Promise<string> => {
        const socket = connectTcp({ port, host: '127.0.0.1' })
        t.after(() => socket.destroy())
        await delay(waitMs)
        socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n`)
        setTimeout(() => socket.write('abc'), 50)
        let text = ''
        for await (const chunk of socket) text += chunk
        return text
      }
      const answers = await Promise.all([ask('GET', 0), ask('POST', 100), ask('PROPFIND', 0)])
      for (const answer of answers)
        assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*\r\n\r\nThe plain HTTP request was sent to an HTTPS port\n$/)
      assert.equal(await shown(t, port), 'first')
      for (let i = 0; i < 50 && JSON.parse(await say('connections')).open > 0; i++) await delay(20)
      assert.deepEqual(JSON.parse(await say('connections')).states, {})
    })

    test('a handshake that never ends, or never begins, is closed in time and its descriptor returned', async (t) => {
      const { port, pid, say } = await startListener(t, command, {
        tls: { certificates: [first, second] },
        handshakeTimeoutMs: 500,
      })
      await shown(t, port)
      await delay(100)
      const descriptors = () => descriptorsOf(pid)
      const before = descriptors()
      const began = performance.now()
      const ended = Array.from({ length: 20 }, async (_, i) => {
        const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
        t.after(() => socket.destroy())
        if (i % 2) socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252))
        socket.resume()
        await once(socket, 'end')
        const after = performance.now() - began
        assert.ok(after > 400 && after < 1_500, `closed after ${after} ms`)
      })
      await Promise.all(ended)
      const deadline = performance.now() + 2_000
      while (descriptors() > before && performance.now() < deadline) await delay(20)
      await delay(100)
      assert.equal(JSON.parse(await say('connections')).open, 0)
      // The runtime may have let go of something of its own as well.
      assert.ok(descriptors() <= before, `${descriptors()} descriptors, ${before} before`)
    })
  })
}

test('the native server of node shows each name its own certificate over HTTP/2, and replaces them', async (t) => {
  const options = { tls: { certificates: [first, second] }, engine: 'native' }
  const { port, say } = await startListener(t, runtimeCommands.node, options)
  const live = await secured(t, port, { ALPNProtocols: ['h2'], servername: 'second.example' })
  assert.equal(live.alpnProtocol, 'h2')
  assert.equal(await shown(t, port, 'second.example'), 'second')
  assert.equal(await shown(t, port), 'first')
  assert.match(await say(JSON.stringify([{ cert: first.cert, key: second.key }])), /^refused: /)
  assert.equal(await say(JSON.stringify([third, fourth])), 'swapped')
  assert.equal(await shown(t, port, 'second.example'), 'fourth')
  assert.equal(await shown(t, port), 'third')
  assert.equal(live.destroyed, false)
})

test('the native server of bun shows each name its own certificate; to replace them it has to be started anew', async (t) => {
  const options = { tls: { certificates: [first, second] }, engine: 'native' }
  const { port, say } = await startListener(t, runtimeCommands.bun, options)
  assert.equal(await shown(t, port, 'second.example'), 'second')
  assert.equal(await shown(t, port, 'a.wild.example'), 'second')
  assert.equal(await shown(t, port), 'first')
  assert.equal(await say(JSON.stringify([third])), 'refused: it is not possible here')
})
