/**
 * A gateway between a load balancer that announces its clients and an upstream that wants to be
 * told: TLS ends in between.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type ProxyHeader, ProxyHeaderReader, proxyHeader } from '../../src/net/proxy-protocol.ts'
import type { CertificatePem } from '../../src/net/transport.ts'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { runtimeNames } from '../lib/runtimes.ts'
import { startGateway } from './process.ts'

const first = makeCertificate(['first.example'])
const second = makeCertificate(['second.example'])
const renewed = makeCertificate(['second.example'])

const client = { address: '2001:db8::7', port: 4711 }
const destination = { address: '2001:db8::1', port: 443 }

interface Received {
  readonly header: ProxyHeader
  readonly head: string
}

/** Answers each request with nothing but the number of its connection. */
async function upstream(t: TestContext): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const number = `${sockets.size}`
    const reader = new ProxyHeaderReader()
    socket.on('data', (bytes) => {
      const from = reader.header === null ? reader.feed(bytes) : 0
      if (reader.header === null) return
      const head = bytes.subarray(from).toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      received.push({ header: reader.header, head })
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${number.length}\r\n\r\n${number}`)
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, received }
}

/** Through the load balancer: its header, then TLS. */
async function through(t: TestContext, port: number, servername: string, { cert }: CertificatePem): Promise<TLSSocket> {
  const tcp = connect({ port, host: '127.0.0.1' })
  t.after(() => tcp.destroy())
  await once(tcp, 'connect')
  tcp.write(proxyHeader('v1', client, destination))
  const socket = connectTls({ socket: tcp, servername, ca: cert })
  await once(socket, 'secureConnect')
  return socket
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: second.example\r\n\r\n')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString()
}

for (const runtime of runtimeNames) {
  test(`${runtime}: PROXY protocol in, TLS by name, PROXY protocol out; a renewed certificate is taken up`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'hangup-front-'))
    t.after(() => rm(folder, { recursive: true }))
    const put = async (name: string, { cert, key }: CertificatePem) => {
      for (const [kind, text] of Object.entries({ cert, key })) {
        await writeFile(join(folder, 'next'), text)
        await rename(join(folder, 'next'), join(folder, `${name}.${kind}`))
      }
    }
    await put('first', first)
    await put('second', second)
    const { port: to, received } = await upstream(t)
    const gateway = await startGateway(
      t,
      runtime,
      [`http://127.0.0.1:${to};proxy-protocol=v2`],
      [
        ...['first', 'second'].flatMap((name) => [
          ...['--tls-cert', join(folder, `${name}.cert`), '--tls-key', join(folder, `${name}.key`)],
        ]),
        ...['--proxy-protocol', '127.0.0.1'],
      ],
    )

    const live = await through(t, gateway.port, 'second.example', second)
    assert.match(await ask(live), /^HTTP\/1\.1 200 /)
    const { header, head } = received[0]!
    assert.deepEqual(header.client, { ...client, family: 'IPv6' })
    assert.deepEqual(header.destination, { ...destination, family: 'IPv6' })
    assert.match(head, /\r\nX-Forwarded-For: 2001:db8::7\r\n/i)
    assert.match(head, /\r\nX-Forwarded-Proto: https\r\n/i)

    // Two files change one after the other: what does not fit together in between is refused, the next look takes both.
    await put('second', renewed)
    gateway.signal('SIGHUP')
    const until = performance.now() + 5_000
    for (;;) {
      try {
        assert.match(await ask(await through(t, gateway.port, 'second.example', renewed)), /^HTTP\/1\.1 200 /)
        break
      } catch (error) {
        if (performance.now() > until) throw error
        await delay(100)
      }
    }
    assert.match(await ask(live), /^HTTP\/1\.1 200 /)
    assert.match(await ask(await through(t, gateway.port, 'first.example', first)), /^HTTP\/1\.1 200 /)
  })
}
