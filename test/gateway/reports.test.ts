/** What other proxies were reported for, each tried on this one. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onEachRuntime } from '../lib/runtimes.ts'
import { eventually } from '../lib/wait.ts'
import { ask, opened } from './clients.ts'
import { type GatewayProcess, startGateway } from './process.ts'
import { type RawBackend, rawBackend, type Say } from './raw-backend.ts'

const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain'
const tooLarge = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!'

const say =
  (text: string): Say =>
  ({ socket }) =>
    void socket.write(text, 'latin1')

const paths: Record<string, Say> = {
  '/plain': say(plain),
  '/head-chunked': ({ socket, head }) =>
    void socket.write(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${head.startsWith('HEAD') ? '' : '0\r\n\r\n'}`,
    ),
  '/hints': say(`${'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'.repeat(3)}${plain}`),
  '/no-content': say('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'),
  '/reset-content': say('HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'),
  '/too-large': ({ socket }) => {
    socket.pause()
    socket.end(tooLarge, () => void setTimeout(() => socket.resume(), 500))
  },
  '/too-large-reset': ({ socket }) => {
    socket.pause()
    socket.write(tooLarge, () => void setTimeout(() => socket.destroy(), 5))
  },
  '/never': () => {},
  '/resets': ({ socket }) => void socket.resetAndDestroy(),
  '/upgrades-and-resets': ({ socket }) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi', () =>
      setTimeout(() => socket.resetAndDestroy(), 5),
    )
  },
  '/refuses-to-upgrade': say('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno'),
}

/** All that comes until it is over, or `whole` and then quiet for a while. */
async function heard(socket: Socket, whole: RegExp, quietMs = 150): Promise<string> {
  let text = ''
  let last = performance.now()
  let over = false
  socket.on('error', () => {}).once('close', () => (over = true))
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
    last = performance.now()
  })
  const quiet = () => performance.now() - last > (whole.test(text) ? quietMs : 5_000)
  while (!over && !quiet()) await sleep(10)
  socket.destroy()
  return text
}

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`

onEachRuntime('reports about other proxies', (name) => {
  let backend: RawBackend
  let gateway: GatewayProcess
  const cleanUps: (() => unknown)[] = []
  const t = { after: (fn: () => unknown) => void cleanUps.push(fn) } as Parameters<typeof startGateway>[0]
  before(async () => {
    backend = await rawBackend(t, paths)
    gateway = await startGateway(t, name, [backend], ['--buffer', 'off', '--upstream-idle-timeout', '200ms'])
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  test('haproxy#146, #1932, #2836: an answer to HEAD that says chunked has no last chunk', async () => {
    const head = 'HEAD /head-chunked HTTP/1.1\r\nHost: a\r\n\r\n'
    const socket = await opened(gateway.port, `${head}GET /plain HTTP/1.1\r\nHost: a\r\n\r\n`)
    assert.match(
      await heard(socket, /plain$/),
      /^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\nHTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\nplain$/,
    )
  })

  test('nginx#1241: several 103 in a row are none of them the answer', async () => {
    const text = await heard(await opened(gateway.port, 'GET /hints HTTP/1.1\r\nHost: a\r\n\r\n'), /plain$/)
    assert.equal(text.match(/HTTP\/1\.1 103/g)?.length, 3)
    assert.match(text, /HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nplain$/)
  })

  test('haproxy#2888: 204 says no length, 205 none but 0', async () => {
    for (const path of ['/no-content', '/reset-content']) {
      const text = await heard(await opened(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`), /\r\n\r\n/)
      const length = /content-length: (\d+)/i.exec(text)?.[1]
      if (path === '/no-content') assert.equal(length, undefined)
      else assert.ok(length === '0', text)
      assert.match(text, /\r\n\r\n$/)
    }
  })

  for (const path of ['/too-large', '/too-large-reset']) {
    test(`express-http-proxy#546, caddy#782: an upstream’s early refusal of an upload arrives (${path})`, async () => {
      for (let i = 0; i < 5; i++) {
        const answer = await ask(gateway.port, path, { method: 'POST', body: Buffer.alloc(5_000_000) })
        // Bun and Deno drop what they have not read when a write meets the reset.
        if (path === '/too-large-reset' && name !== 'node' && answer.status === 502) continue
        assert.deepEqual([answer.status, answer.body], [413, 'no!'])
      }
    })
  }

  test('http-proxy#607, httpxy#79: RST in any moment of an upgrade ends no process and leaves nothing', async () => {
    for (const path of ['/never', '/resets', '/upgrades-and-resets', '/refuses-to-upgrade']) {
      const sockets = await Promise.all(Array.from({ length: 10 }, () => opened(gateway.port, upgrade(path))))
      for (const [i, socket] of sockets.entries()) {
        socket.on('error', () => {})
        setTimeout(() => socket.resetAndDestroy(), i * 2)
      }
      await Promise.all(sockets.map((socket) => once(socket, 'close')))
    }
    const open = await eventually(
      () => backend.open(),
      (count) => count === 0,
      5_000,
    )
    assert.equal(open, 0, 'upstream connections are left')
    assert.equal((await ask(gateway.port, '/plain')).body, 'plain')
    assert.doesNotMatch(gateway.stderr(), /^\s+at /m)
  })
})
