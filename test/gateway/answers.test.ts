/** What a backend says and a client gets: whole as it is, or never looking whole. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '../../src/probe/client/client.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import { eventually } from '../lib/wait.ts'
import { ask } from './clients.ts'
import { type GatewayProcess, startGateway } from './process.ts'
import { inPieces, type RawBackend, rawBackend, type Say } from './raw-backend.ts'

const ok = (fields: string, body = '') => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`

/** Bytes that are no answer, or not a whole one; `ends`: how the backend ends. */
interface Broken {
  readonly says: string
  readonly ends?: 'fin' | 'reset'
  /**
   * What the client may see of it: an answer of the gateway's own, or the beginning of one that is
   * cut.
   */
  readonly client: '502' | 'cut' | '502 or cut'
}

const broken: Readonly<Record<string, Broken>> = {
  'two-lengths': { says: ok('Content-Length: 5\r\nContent-Length: 6\r\n', 'helloo'), client: '502' },
  'two-lengths-in-one': { says: ok('Content-Length: 5, 6\r\n', 'helloo'), client: '502' },
  'length-and-chunked': {
    says: ok('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    client: '502',
  },
  'length-negative': { says: ok('Content-Length: -1\r\n', 'hello'), client: '502' },
  'chunk-size': {
    says: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\nzz\r\nmore\r\n0\r\n\r\n'),
    client: '502 or cut',
  },
  'chunk-without-end': { says: ok('Transfer-Encoding: chunked\r\n', '5\r\nhelloo\r\n0\r\n\r\n'), client: '502 or cut' },
  'chunks-cut-short': {
    says: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'),
    ends: 'fin',
    client: '502 or cut',
  },
  'last-chunk-missing': {
    says: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n'),
    ends: 'fin',
    client: '502 or cut',
  },
  'short-body': { says: ok('Content-Length: 10\r\n', 'hello'), ends: 'fin', client: '502 or cut' },
  'short-large-body': { says: ok('Content-Length: 1000000\r\n', 'x'.repeat(400_000)), ends: 'fin', client: 'cut' },
  'reset-in-close-delimited': { says: ok('', 'x'.repeat(100_000)), ends: 'reset', client: 'cut' },
  'no-http': { says: 'SSH-2.0-OpenSSH_9.2\r\n', client: '502' },
  'head-cut-short': { says: 'HTTP/1.1 200 OK\r\nContent-Le', ends: 'fin', client: '502' },
  nothing: { says: '', ends: 'fin', client: '502' },
  'bare-cr': { says: ok('X-A: b\rc\r\nContent-Length: 5\r\n', 'hello'), client: '502' },
  'endless-interim': { says: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100), client: '502' },
  'switching-unasked': {
    says: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    client: '502',
  },
}

/** Answers that are right, and what must be left of them. */
const whole: Readonly<Record<string, { says: string; ends?: 'fin'; body: string }>> = {
  length: { says: ok('Content-Length: 5\r\n', 'hello'), body: 'hello' },
  chunked: {
    says: ok('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n'),
    body: 'hello world',
  },
  'until-close': { says: ok('', 'hello'), ends: 'fin', body: 'hello' },
  http10: { says: 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello', ends: 'fin', body: 'hello' },
  large: { says: ok('Content-Length: 3000\r\n', 'x'.repeat(3_000)), body: 'x'.repeat(3_000) },
}

const pieces = [1, 2, 7, 40]

const say =
  (text: string, ends?: 'fin' | 'reset'): Say =>
  async ({ socket }) => {
    if (text !== '') socket.write(text, 'latin1')
    if (ends === 'fin') socket.end()
    // What the kernel has not sent yet goes with a reset.
    if (ends === 'reset') setTimeout(() => socket.resetAndDestroy(), 100)
  }

const paths: Record<string, Say> = {
  ...Object.fromEntries(Object.entries(broken).map(([id, { says, ends }]) => [`/broken/${id}`, say(says, ends)])),
  ...Object.fromEntries(
    Object.entries(whole).flatMap(([id, { says, ends }]) =>
      pieces.map((bytes): [string, Say] => [
        `/whole/${id}/${bytes}`,
        async ({ socket }) => {
          await inPieces(socket, says, bytes)
          if (ends === 'fin') socket.end()
        },
      ]),
    ),
  ),
  '/hint': say(ok('Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nContent-Length: 2\r\n', 'ok')),
  '/hints': say(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${ok('Content-Length: 2\r\n', 'ok')}`),
  '/trailers': say(ok('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n', '2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n')),
  '/head': say(ok('Content-Length: 12345\r\n')),
  '/304': say('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 77\r\n\r\n'),
  '/204': say('HTTP/1.1 204 No Content\r\n\r\n'),
  '/range': say('HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\nhello'),
  '/gzip': say(ok('Content-Encoding: gzip\r\nContent-Length: 5\r\n', '\x1f\x8b\x08\x00\xff')),
  '/moved': say('HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nContent-Length: 0\r\n\r\n'),
  '/leftover': say(`${ok('Content-Length: 2\r\n', 'ok')}${ok('Content-Length: 4\r\n', 'evil')}`),
  '/late-leftover': async ({ socket }) => {
    socket.write(ok('Content-Length: 2\r\n', 'ok'))
    setTimeout(() => socket.write(ok('Content-Length: 4\r\n', 'evil')), 50)
  },
  // A body to HEAD that looks like an answer: with its head, a moment later, and much later.
  ...Object.fromEntries(
    [0, 1, 5, 20, 60, 150, 400].map((ms): [string, Say] => [
      `/head-body/${ms}`,
      ({ socket }) => {
        const stolen = ok('Content-Length: 6\r\n', 'stolen')
        const head = ok(`Content-Length: ${stolen.length}\r\n`)
        socket.write(ms === 0 ? head + stolen : head)
        if (ms > 0) setTimeout(() => socket.write(stolen), ms)
      },
    ]),
  ),
  '/plain': say(ok('Content-Length: 5\r\n', 'plain')),
}

onEachRuntime('answers through a gateway', (name) => {
  let backend: RawBackend
  let gateway: GatewayProcess
  const cleanUps: (() => unknown)[] = []
  const t = { after: (fn: () => unknown) => void cleanUps.push(fn) } as Parameters<typeof startGateway>[0]
  before(async () => {
    backend = await rawBackend(t, paths)
    gateway = await startGateway(t, name, [backend])
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })
  const address = () => ({ host: '127.0.0.1', port: gateway.port, tls: false })

  for (const [id, { client }] of Object.entries(broken)) {
    test(`${id} never looks whole`, async () => {
      const connection = await Connection.open(address())
      connection.send(`GET /broken/${id} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const { reader } = connection
      await connection.until(() => reader.answers.length > 0 || connection.end !== 'open', performance.now() + 5_000)
      const [answer] = reader.answers
      const seen = answer === undefined ? (connection.end === 'open' ? 'nothing' : 'cut') : String(answer.status)
      connection.destroy()
      assert.ok(client.split(' or ').includes(seen), `${seen}, wanted ${client}`)
      if (answer !== undefined) assert.ok(!answer.text.startsWith('hello'))
    })
  }

  for (const [id, { body }] of Object.entries(whole)) {
    test(`${id} arrives whole, in pieces of ${pieces.join(', ')} bytes`, async () => {
      for (const bytes of pieces) {
        const answer = await ask(gateway.port, `/whole/${id}/${bytes}`)
        assert.deepEqual([bytes, answer.status, answer.body], [bytes, 200, body])
      }
    })
  }

  test('the backend’s Keep-Alive, and what its Connection names, stay on its side', async () => {
    const { headers } = await ask(gateway.port, '/hint')
    assert.equal(headers['keep-alive'], 'timeout=4')
    assert.equal(headers['x-hop'], undefined)
  })

  test('103 and trailers pass', async () => {
    const connection = await Connection.open(address())
    connection.send('GET /hints HTTP/1.1\r\nHost: a\r\n\r\n')
    await connection.until(() => connection.reader.answers.length > 0, performance.now() + 3_000)
    connection.destroy()
    assert.deepEqual(connection.reader.interim, [103])
    const { body, trailers } = await ask(gateway.port, '/trailers', { headers: { TE: 'trailers' } })
    assert.deepEqual([body, trailers['x-sum']], ['ok', '42'])
  })

  test('HEAD, 204, 304, ranges, codings and redirects pass as they are', async () => {
    const head = await ask(gateway.port, '/head', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '12345', ''])
    const unmodified = await ask(gateway.port, '/304')
    assert.deepEqual([unmodified.status, unmodified.headers['etag'], unmodified.body], [304, '"a"', ''])
    assert.equal((await ask(gateway.port, '/204')).status, 204)
    const range = await ask(gateway.port, '/range', { headers: { Range: 'bytes=0-4' } })
    assert.deepEqual([range.status, range.headers['content-range'], range.body], [206, 'bytes 0-4/10', 'hello'])
    assert.ok(backend.heads.some((text) => /^range: bytes=0-4\r$/im.test(text)))
    const gzip = await ask(gateway.port, '/gzip')
    assert.deepEqual([gzip.headers['content-encoding'], gzip.body], ['gzip', '\x1f\x8b\x08\x00\xff'])
    const moved = await ask(gateway.port, '/moved')
    assert.deepEqual([moved.status, moved.headers['location']], [302, 'http://elsewhere.test/'])
  })

  for (const path of ['/leftover', '/late-leftover']) {
    test(`what a backend sends behind its answer reaches nobody: ${path}`, async () => {
      assert.equal((await ask(gateway.port, path)).body, 'ok')
      await sleep(150)
      for (let i = 0; i < 3; i++) assert.equal((await ask(gateway.port, '/plain')).body, 'plain')
    })
  }

  test('a client that names no host has the upstream’s', async () => {
    for (const said of ['GET /plain HTTP/1.0\r\n\r\n', 'GET /plain HTTP/1.1\r\nHost:\r\n\r\n']) {
      const connection = await Connection.open(address())
      connection.send(said)
      await connection.until(() => connection.reader.answers.length > 0, performance.now() + 3_000)
      connection.destroy()
      assert.equal(connection.reader.answers[0]?.status, 200)
      assert.match(backend.heads.at(-1) ?? '', new RegExp(`\r\nHost: 127\\.0\\.0\\.1:${backend.port}\r\n`, 'i'))
    }
  })

  test('a body behind an answer to HEAD reaches nobody, whenever it comes', async () => {
    for (const ms of [400, 150, 60, 20, 5, 1, 0]) {
      assert.equal((await ask(gateway.port, `/head-body/${ms}`, { method: 'HEAD' })).status, 200)
      for (const end = performance.now() + ms + 20; performance.now() < end; await sleep(2)) {
        for (const method of ['GET', 'POST']) {
          const { status, body } = await ask(gateway.port, '/plain', { method })
          assert.deepEqual([ms, status, body], [ms, 200, 'plain'])
        }
      }
    }
  })

  test('none of it is left open', async () => {
    await sleep(200)
    // The pool’s, which may be used again, and no more.
    assert.ok(
      (await eventually(
        () => backend.open(),
        (count) => count <= 2,
        5_000,
      )) <= 2,
    )
    assert.doesNotMatch(gateway.stderr(), /^\s+at /m)
  })
})
