/**
 * A client that resets its connection costs nothing from then on, on the hangup engine of each
 * runtime, whatever it was doing.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { Client } from '../lib/client.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { socketsOf } from '../lib/sockets.ts'

const certificate = makeCertificate(['a.example'])
const head = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
const upload = head('POST /slow', 'Content-Length: 1000000\r\n')

/** What was sent before the reset. */
const sent = {
  nothing: '',
  'half a head': 'GET / HTTP/1.1\r\nHost',
  'half a body': `${head('POST /upload', 'Content-Length: 300\r\n')}x`,
  'a request': head('GET /whoami'),
  'a request whose handler takes long': head('GET /slow'),
  'a body that nobody reads': upload + 'x'.repeat(500_000),
  'a request whose answer is a stream that fell silent': head('GET /quiet'),
  'requests whose answers it does not read': head('GET /large').repeat(20),
}

/** Limits that are all too far away to have ended anything. */
const farMs = 20_000
const far = {
  idleTimeoutMs: farMs,
  headTimeoutMs: farMs,
  bodyTimeoutMs: farMs,
  handshakeTimeoutMs: farMs,
  writeTimeoutMs: farMs,
  discardTimeoutMs: farMs,
}

const connected = (port: number, secure: boolean): Promise<Client> =>
  Client.open({ port, allowHalfOpen: true, ...(secure && { tls: {} }) })

/** Rejects if it takes long. An error before it is not the question. */
async function closeOf(socket: Socket): Promise<void> {
  const late = AbortSignal.timeout(2_000)
  await new Promise((resolve, reject) => {
    socket.once('close', resolve)
    late.addEventListener('abort', () => reject(late.reason))
  })
}

const ways: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  'at once': async ({ tcp }) => {
    // Not in the turn of the write: it is to arrive.
    await new Promise(setImmediate)
    tcp.resetAndDestroy()
  },
  'a little later': async ({ tcp }) => {
    await delay(150)
    tcp.resetAndDestroy()
  },
  'after its FIN': async ({ tcp }) => {
    await delay(50)
    tcp.end()
    await delay(100)
    tcp.resetAndDestroy()
  },
}

for (const [runtime, command] of Object.entries(runtimeCommands)) {
  describe(`the hangup engine on ${runtime}`, () => {
    for (const secure of [false, true]) {
      test(`lets go at once of who resets its connection${secure ? ' under TLS' : ''}, and blames nobody`, async (t) => {
        const tls = secure ? { tls: { certificates: [certificate] } } : {}
        const { port, pid, say } = await startListener(t, command, { ...far, ...tls })
        const sockets = () => socketsOf(pid)
        const summary = async () => JSON.parse(await say('connections'))
        const { tcp: first } = await connected(port, secure)
        first.destroy()
        for (let i = 0; i < 50 && (await summary()).open > 0; i++) await delay(20)
        const before = sockets()

        for (const [way, reset] of Object.entries(ways)) {
          const clients = Object.values(sent).flatMap((text) => Array.from({ length: 5 }, () => text))
          await Promise.all(
            clients.map(async (text) => {
              const client = await connected(port, secure)
              client.send(text)
              await reset(client)
            }),
          )
          for (let i = 0; i < 50 && (await summary()).open > 0; i++) await delay(20)
          const { open, states, hungUp } = await summary()
          assert.deepEqual({ open, states, hungUp }, { open: 0, states: {}, hungUp: {} }, `reset ${way}`)
          for (let i = 0; i < 50 && sockets() > before; i++) await delay(20)
          assert.ok(sockets() <= before, `${sockets()} sockets, ${before} before, reset ${way}`)
        }
      })
    }

    test('ends a connection at a record that is none, and at a renegotiation', async (t) => {
      const { port, say } = await startListener(t, command, { ...far, tls: { certificates: [certificate] } })
      const junk = [Buffer.from([0x17, 3, 3, 0, 32, ...Array<number>(32).fill(7)]), Buffer.from(head('GET /whoami'))]
      const before = [
        '',
        sent['half a head'],
        sent['half a body'],
        sent['a request'],
        sent['a request whose handler takes long'],
      ]
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await Promise.all(
          junk.flatMap((bytes) =>
            before.map(async (text) => {
              const tcp = connectTcp({ port, host: '127.0.0.1', noDelay: true })
              const tls = connectTls({ socket: tcp, rejectUnauthorized: false, maxVersion })
              for (const socket of [tcp, tls]) socket.on('error', () => {}).resume()
              await once(tls, 'secureConnect')
              tls.write(text, 'latin1')
              await delay(100)
              tcp.write(bytes)
              await closeOf(tcp)
            }),
          ),
        )
      }
      const tls = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
      tls.on('error', () => {}).resume()
      await once(tls, 'secureConnect')
      const closed = closeOf(tls)
      tls.renegotiate({ rejectUnauthorized: false }, () => {})
      await closed
      const { open, hungUp } = JSON.parse(await say('connections'))
      assert.deepEqual({ open, hungUp }, { open: 0, hungUp: {} })
    })
  })
}
