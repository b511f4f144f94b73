/** Where upstreams may be: behind TLS, behind a Unix socket, and down. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'
import { type RawBackend, rawBackend, type Say } from './raw-backend.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-upstreams-'))
after(() => rmSync(folder, { recursive: true }))

const server = makeCertificate(['backend.example'])
const own = makeCertificate(['gateway.example'])
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return name
}
file('ca.pem', server.cert)
file('cert.pem', own.cert)
file('key.pem', own.key)

/** Says what the client showed of itself: the name that it asked for, and its certificate's. */
const whoAsks: Say = ({ socket }) => {
  const { servername, authorized } = socket as TLSSocket
  const text = `${servername} ${authorized}`
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
}

onEachRuntime('upstreams of a gateway', (name) => {
  const configured = (label: string, upstream: object) =>
    join(folder, file(`${name}-${label}.json`, JSON.stringify({ to: upstream })))
  const url = ({ port }: RawBackend) => `https://127.0.0.1:${port}`

  test('TLS: the name is asked for, the certificate checked, and one of its own shown', async (t) => {
    const backend = await rawBackend(
      t,
      { '/': whoAsks },
      { tls: { ...server, ca: own.cert, requestCert: true, rejectUnauthorized: false } },
    )
    const trusting = { url: url(backend), servername: 'backend.example', ca: 'ca.pem' }
    const answerOf = async (label: string, upstream: object) => {
      const gateway = await startGateway(t, name, [], ['--config', configured(label, upstream)])
      const { status, body, headers } = await ask(gateway.port, '/')
      return status === 200 ? body : `${status} ${headers['hangup-reason']}`
    }
    assert.equal(await answerOf('anonymous', trusting), 'backend.example false')
    assert.equal(await answerOf('known', { ...trusting, cert: 'cert.pem', key: 'key.pem' }), 'backend.example true')
    assert.equal(await answerOf('unknown-ca', { ...trusting, ca: undefined }), '502 tls')
    assert.equal(await answerOf('other-name', { ...trusting, servername: 'other.example' }), '502 tls')
    assert.equal(
      await answerOf('unchecked', { url: url(backend), servername: 'other.example', verify: false }),
      'other.example false',
    )
  })

  test('a Unix socket', async (t) => {
    const path = join(folder, `${name}.sock`)
    await rawBackend(
      t,
      { '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix') },
      { unix: path },
    )
    const gateway = await startGateway(t, name, [`unix:${path}`])
    assert.equal((await ask(gateway.port, '/')).body, 'unix')
  })

  test('one that is down does not stop a start, is a 502 with its reason, and costs nothing beside one that is up', async (t) => {
    const gone = await rawBackend({ after: () => {} }, {})
    await new Promise((resolve) => gone.server.close(resolve))
    const alone = await startGateway(t, name, [gone])
    const refused = await ask(alone.port, '/')
    assert.deepEqual([refused.status, refused.headers['hangup-reason']], [502, 'connect'])

    const up = await rawBackend(t, {
      '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup'),
    })
    const both = await startGateway(t, name, [gone, up])
    for (let i = 0; i < 10; i++) {
      assert.equal((await ask(both.port, '/', { method: i % 2 === 0 ? 'GET' : 'POST' })).body, 'up')
    }
  })

  test('one that is silent is a 504, asked once; one that falls silent inside its answer is cut', async (t) => {
    const paths: Readonly<Record<string, Say>> = {
      '/silent': () => {},
      '/stops': ({ socket }) =>
        void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(10_000)}`),
    }
    const backends = [await rawBackend(t, paths), await rawBackend(t, paths)]
    const gateway = await startGateway(t, name, backends, [
      ...['--upstream-first-byte-timeout', '600ms', '--upstream-read-timeout', '600ms'],
    ])
    const fromMs = performance.now()
    const late = await ask(gateway.port, '/silent')
    const tookMs = performance.now() - fromMs
    assert.deepEqual([late.status, late.headers['hangup-reason']], [504, 'first-byte-timeout'])
    assert.ok(tookMs > 580 && tookMs < 1_500, `${tookMs} ms`)
    assert.equal(backends.flatMap(({ heads }) => heads).length, 1)
    await assert.rejects(ask(gateway.port, '/stops'))
  })
})
