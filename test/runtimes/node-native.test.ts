/**
 * The native engine of Node against clients that break off in odd moments and applications that
 * answer anything: one process serves all, and what nobody catches would end it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { type EventEmitter, once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { NodeServeOptions } from '../../runtimes/node/options.ts'
import { plainHttpAnswer } from '../../src/http1/plain-on-tls.ts'
import type { ConnectionsSummary } from '../../src/serve/contract.ts'
import { frame, headers, preface, reset } from '../lib/http2-frames.ts'
import { tlsTexts } from '../lib/runtimes.ts'
import { descriptorsOf } from '../lib/sockets.ts'

const tls = tlsTexts()
const quick = { idleTimeoutMs: 60_000, log: undefined }

let child: ChildProcess
let ended: Promise<unknown>
let exited: unknown = null
let asked = 0
let plain = 0
let secure = 0

async function command<Result>(name: string, argument?: unknown): Promise<Result> {
  assert.equal(exited, null, 'the server has ended')
  const id = ++asked
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  const hear = (message: { id: number; result: Result }) => {
    if (message.id !== id) return
    child.off('message', hear)
    resolve(message.result)
  }
  child.on('message', hear)
  ended.then(() => reject(new Error('the server has ended')))
  child.send({ id, command: name, argument })
  return promise
}

const serving = (options: Omit<NodeServeOptions, 'websocket'> & { websocket?: boolean }) =>
  command<number>('serve', { ...quick, ...options })
const connections = (port: number) => command<ConnectionsSummary>('connections', port)
const errors = () => command<string[]>('errors')

before(async () => {
  child = fork(new URL('node-native.fixture.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  ended = once(child, 'exit').then((how) => {
    exited = how
  })
  await once(child, 'message')
  plain = await serving({ websocket: true })
  secure = await serving({ websocket: true, tls })
})

after(async () => {
  assert.equal(exited, null, `the server ended: ${exited}`)
  child.disconnect()
  await ended
})

/** However it comes: `once` rejects at an error. */
const closeOf = (emitter: EventEmitter): Promise<unknown> => new Promise((resolve) => emitter.once('close', resolve))

/** All that comes, until the end or `forMs` later; `closed`: who ended it. */
async function talk(port: number, bytes: string, forMs = 400): Promise<{ text: string; closed: boolean }> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  return heard(socket, forMs)
}

async function heard(socket: Socket, forMs: number): Promise<{ text: string; closed: boolean }> {
  let text = ''
  let closed = false
  socket.setEncoding('latin1')
  socket.on('data', (piece) => {
    text += piece
  })
  const closing = closeOf(socket).then(() => {
    closed = true
  })
  await Promise.race([closing, delay(forMs)])
  socket.destroy()
  return { text, closed }
}

const get = (path: string, ...fields: string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a', ...fields].join('\r\n')}\r\n\r\n`
const post = (path: string, body: string, ...fields: string[]) =>
  `${[`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${body.length}`, ...fields].join('\r\n')}\r\n\r\n${body}`
const upgrade = (path: string) =>
  get(
    path,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  )
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))

async function session(port: number): Promise<ClientHttp2Session> {
  const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  client.on('error', () => {})
  await once(client, 'connect')
  return client
}

interface Answer {
  readonly head: Readonly<Record<string, unknown>>
  readonly body: string
  readonly code: number
}

async function ask2(client: ClientHttp2Session, path: string, more: OutgoingHttpHeaders = {}): Promise<Answer> {
  const stream = client.request({ ':path': path, ...more })
  stream.on('error', () => {})
  let head: Record<string, unknown> = {}
  let body = ''
  stream.setEncoding('latin1')
  stream.on('response', (headers) => {
    head = headers
  })
  stream.on('data', (piece) => {
    body += piece
  })
  stream.end()
  await closeOf(stream)
  return { head, body, code: stream.rstCode }
}

/** Waits for what has to come soon; the last look throws. */
async function soon(look: () => Promise<void>, withinMs = 1_000): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(20)
    }
  }
}

const nothingLeft = (port: number) =>
  soon(async () => {
    const { open, states } = await connections(port)
    assert.deepEqual({ open, states }, { open: 0, states: {} })
  })

describe('clients that break off', () => {
  test('a handshake, one request and an RST end nothing and are let go at once', async () => {
    const descriptors = () => descriptorsOf(child.pid!)
    const attack = async (alpn: string, bytes: string) => {
      const tcp = connectTcp({ port: secure, host: '127.0.0.1', noDelay: true })
      tcp.on('error', () => {})
      const socket = connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: [alpn] })
      socket.on('error', () => {})
      await once(socket, 'secureConnect')
      socket.write(bytes, 'latin1', () => tcp.resetAndDestroy())
      await closeOf(tcp)
    }
    for (let i = 0; i < 10; i++) {
      const opened = preface + headers(1, { ':method': 'GET', ':path': '/late' })
      await Promise.all([
        attack('http/1.1', get('/hello')),
        attack('http/1.1', get('/late')),
        attack('http/1.1', get('/hello') + upgrade('/ws-late')),
        attack('h2', opened),
      ])
    }
    await nothingLeft(secure)
    await soon(async () => assert.ok(descriptors() < 40, `${descriptors()} descriptors`))
    const client = await session(secure)
    assert.equal((await ask2(client, '/hello')).body, 'hello')
    client.destroy()
  })

  test('HTTP/2: a stream that expects 100 and is reset in the same write is no request', async () => {
    const port = await serving({ tls })
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.write(preface, 'latin1')
    for (let stream = 1; stream < 60; stream += 6) {
      socket.write(
        headers(stream, { ':method': 'POST', ':path': '/post-late' }, false) +
          headers(stream + 2, { ':method': 'GET', ':path': '/late', expect: '100-continue' }) +
          reset(stream + 2) +
          headers(stream + 4, { ':method': 'POST', ':path': '/post-late' }, false) +
          reset(stream + 4) +
          reset(stream),
        'latin1',
      )
      await delay(5)
    }
    await soon(async () => assert.equal((await connections(port)).busy, 0))
    const { cut, afterMs } = await command<{ cut: number; afterMs: number }>('drain', port)
    assert.equal(cut, 0)
    assert.ok(afterMs < 3_000, `drained after ${afterMs} ms`)
    socket.destroy()
  })

  test('pipelined requests whose client resets are let go, with their streams', async () => {
    const socket = connectTcp({ port: plain, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.write(get('/late') + get('/pour') + get('/late'))
    await delay(50)
    socket.resetAndDestroy()
    await nothingLeft(plain)
  })

  test('the signal of a request whose client goes has an AbortError as its reason, and fires for no other', async () => {
    await command('signals')
    const one = connectTcp({ port: plain, host: '127.0.0.1' })
    one.write(get('/signal'))
    const client = await session(secure)
    const stream = client.request({ ':path': '/signal' })
    stream.on('error', () => {})
    const whole = ask2(client, '/signal')
    await delay(100)
    one.resetAndDestroy()
    stream.close(8)
    const seen: object[] = []
    await soon(async () => {
      seen.push(...(await command<object[]>('signals')))
      assert.deepEqual(seen, [
        { name: 'AbortError', dom: true },
        { name: 'AbortError', dom: true },
      ])
    })
    assert.equal((await whole).body, 'done')
    await delay(50)
    assert.deepEqual(await command('signals'), [])
    client.destroy()
  })
})

describe('connections', () => {
  test('plain HTTP on a port of TLS is told so, on both engines', async () => {
    const hangup = await serving({ tls, engine: 'hangup' })
    for (const port of [secure, hangup]) {
      for (const bytes of [get('/hello'), post('/hello', 'body'), get('/hello').replace('GET', 'DELETE')]) {
        const { text, closed } = await talk(port, bytes, 2_000)
        assert.equal(text, plainHttpAnswer)
        assert.equal(closed, true)
      }
      await nothingLeft(port)
    }
  })

  test('a record that is none ends a TLS connection at once, in a request as well', async () => {
    for (const alpn of ['http/1.1', 'h2']) {
      const tcp = connectTcp({ port: secure, host: '127.0.0.1', noDelay: true })
      tcp.on('error', () => {})
      const socket = connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: [alpn] })
      socket.on('error', () => {})
      await once(socket, 'secureConnect')
      const open = preface + headers(1, { ':method': 'GET', ':path': '/signal' })
      socket.write(alpn === 'h2' ? open : get('/signal'), 'latin1')
      await delay(50)
      const brokenAt = performance.now()
      tcp.write(Uint8Array.of(23, 3, 3, 0, 20, ...Array(20).fill(7)))
      await nothingLeft(secure)
      assert.ok(performance.now() - brokenAt < 200)
      socket.destroy()
    }
  })

  test('HTTP/2 above maxConnections is answered 503, with GOAWAY', async () => {
    const port = await serving({ tls, maxConnections: 1 })
    const first = await session(port)
    const busy = ask2(first, '/signal')
    await delay(50)
    const second = await session(port)
    const goaway = once(second, 'goaway')
    const { head } = await ask2(second, '/hello')
    assert.deepEqual([head[':status'], head['retry-after']], [503, '1'])
    await goaway
    assert.equal((await busy).body, 'done')
    first.destroy()
    second.destroy()
    await nothingLeft(port)
  })

  test('HTTP/2: Host that names another server than :authority is 400, and the default port is no difference', async () => {
    const port = await serving({ tls })
    const client = await session(port)
    const status = async (host: string) =>
      (await ask2(client, '/hello', { ':authority': 'a.example:443', host })).head[':status']
    assert.deepEqual(
      [
        await status('a.example:443'),
        await status('A.example'),
        await status('a.example:8443'),
        await status('b.example'),
      ],
      [200, 200, 400, 400],
    )
    client.destroy()
  })

  test('HTTP/2: a head is as large as what is compressed in it', async () => {
    const port = await serving({ tls, maxHeadBytes: 4_096 })
    const client = await session(port)
    assert.equal((await ask2(client, '/hello', { 'x-a': 'x'.repeat(3_500) })).body, 'hello')
    // Of the connection, or of this stream: either way it is not answered.
    assert.notEqual((await ask2(client, '/hello', { 'x-a': 'x'.repeat(12_000) })).head[':status'], 200)
    client.destroy()
  })

  test('one HTTP/2 connection has no more streams at once than maxConcurrentStreams', async () => {
    const port = await serving({ tls, maxConcurrentStreams: 3 })
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    let opened = preface
    for (let stream = 1; stream < 100; stream += 2) opened += headers(stream, { ':method': 'GET', ':path': '/late' })
    socket.write(opened, 'latin1')
    let bytes = ''
    socket.setEncoding('latin1').on('data', (piece) => {
      bytes += piece
    })
    await delay(100)
    // SETTINGS_MAX_CONCURRENT_STREAMS, and REFUSED_STREAM for what came before they were known.
    assert.ok(bytes.includes('\0\x03\0\0\0\x03'), 'it is not said')
    assert.equal(bytes.split('\0\0\x04\x03\0').length - 1, 47)
    assert.equal((await connections(port)).requests, 3)
    socket.destroy()

    const client = await session(port)
    await once(client, 'remoteSettings')
    const all = await Promise.all(Array.from({ length: 9 }, () => ask2(client, '/late')))
    assert.ok(all.every(({ body }) => body === 'late'))
    client.destroy()
  })

  test('one bad stream of HTTP/2 is reset, and its siblings answered', async () => {
    const socket = connectTls({ port: secure, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.write(
      preface +
        headers(1, { ':method': 'GET', ':path': '/late' }) +
        headers(3, { ':method': 'POST', ':path': '/post-late', 'content-length': '2' }, false) +
        frame(0, 1, 3, 'abc'),
      'latin1',
    )
    let bytes = ''
    socket.setEncoding('latin1').on('data', (piece) => {
      bytes += piece
    })
    await delay(500)
    assert.match(bytes, /\0\0\x04\x03\0\0\0\0\x03\0\0\0\x01/)
    assert.match(bytes, /late/)
    // What breaks the connection itself still ends it.
    socket.write(frame(0, 0, 0, 'abc'), 'latin1')
    await closeOf(socket)
  })
})

describe('WebSockets', () => {
  test('an application with its own copy of @hono/node-server has them', async () => {
    for (const [port, path] of [
      [plain, '/ws'],
      [plain, '/ws-late'],
      [secure, '/ws-late'],
    ] as const) {
      const socket = new WebSocket(`${port === secure ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, {
        rejectUnauthorized: false,
      })
      socket.once('open', () => socket.send('a'))
      const [answer] = await once(socket, 'upgrade')
      assert.equal(answer.headers['x-seen'], path === '/ws-late' ? 'late' : undefined)
      const [message] = await once(socket, 'message')
      assert.equal(String(message), 'echo a')
      socket.close()
      await once(socket, 'close')
    }
    await nothingLeft(plain)
  })

  test('a refused one gets the application’s whole answer, and the connection ends', async () => {
    const { text, closed } = await talk(plain, upgrade('/ws-refused'), 2_000)
    assert.match(text, /^HTTP\/1\.1 401[\s\S]*\r\n\r\nnot you$/)
    assert.equal(closed, true)
  })

  test('one behind other requests in the same packet is answered after them', async () => {
    const behind = async (first: string, before: readonly number[]) => {
      const { text } = await talk(plain, first + upgrade('/ws'), 700)
      assert.deepEqual(statuses(text), [...before, 101], JSON.stringify(first))
    }
    await Promise.all([
      behind(get('/hello'), [200]),
      behind(get('/late') + get('/hello'), [200, 200]),
      behind(get('/fails-later').replace('/fails-later', '/one-piece'), [200]),
      behind(get('/sse'), [200]),
      behind(post('/unread', 'body'), [200]),
      behind(post('/post-late', 'body'), [200]),
      behind('POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n', [200]),
      behind(post('/hello', 'body'), [200]),
    ])
    const none = await talk(plain, get('/late', 'Connection: close') + upgrade('/ws'), 700)
    assert.deepEqual(statuses(none.text), [200])
    assert.equal(none.closed, true)
  })

  test('one in HTTP/1.0, or by POST, is none', async () => {
    assert.deepEqual(statuses((await talk(plain, upgrade('/hello').replace('1.1', '1.0'))).text), [200])
    assert.deepEqual(statuses((await talk(plain, upgrade('/hello').replace('GET', 'POST'))).text), [200])
  })

  test('a client that goes while the application still thinks leaves nothing behind', async () => {
    for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const socket = connectTcp({ port: plain, host: '127.0.0.1' })
      socket.on('error', () => {})
      socket.write(upgrade('/ws-late'))
      await delay(50)
      socket[end]()
    }
    await nothingLeft(plain)
  })
})

for (const globals of ['keep', 'replace'] as const) {
  describe(`applications that answer anything, with globals: ${globals}`, () => {
    let plain = 0
    let secure = 0

    before(async () => {
      plain = await serving({ globals })
      secure = await serving({ globals, tls })
    })

    after(async () => {
      for (const port of [plain, secure]) await command('drain', port)
    })

    test('what can’t be sent is a 500 that says nothing, one report, and the next request is answered', async () => {
      const paths = [
        `/field?v=${encodeURIComponent('Łódź')}`,
        `/field-late?v=${encodeURIComponent('a\r\nX-Evil: 1')}`,
        '/status?v=42',
        '/status?v=1000',
        '/204',
        '/fewer',
        '/fails-first',
        '/string',
        '/nothing',
        '/nothing-late',
        '/throws',
        '/rejects',
        '/throws-null',
        '/bad-get-response',
        '/used',
        '/error',
      ]
      const client = await session(secure)
      for (const path of paths) {
        await errors()
        const { text } = await talk(plain, get(path) + get('/hello', 'Connection: close'), 2_000)
        assert.deepEqual(statuses(text), [500, 200], path)
        assert.doesNotMatch(text, /secret|Evil|string|Error:/)
        const { head, body } = await ask2(client, path)
        assert.equal(head[':status'], 500, path)
        assert.doesNotMatch(body, /secret/)
        const reports = await errors()
        assert.equal(reports.length, 2, `${path}: ${reports}`)
        assert.ok(reports.every((report) => path.startsWith(report.split(' ')[0]!)))
      }
      assert.equal((await ask2(client, '/hello')).body, 'hello')
      client.destroy()
    })

    test('a value in latin1 goes out as it is', async () => {
      await errors()
      const { text } = await talk(plain, get('/field?v=caf%C3%A9') + get('/disposition', 'Connection: close'), 2_000)
      assert.deepEqual(statuses(text), [200, 200])
      assert.match(text, /\r\nX-Name: caf\xe9\r\n/)
      assert.match(text, /\r\nContent-Disposition: inline; filename="\xdcbersicht"\r\n/)
      const client = await session(secure)
      assert.equal((await ask2(client, '/field?v=caf%C3%A9')).head['x-name'], 'caf\xe9')
      client.destroy()
      assert.deepEqual(await errors(), [])
    })

    test('fields of the connection are the server’s own, and HTTP/2 has none', async () => {
      const { text } = await talk(plain, get('/trailer') + get('/of-connection', 'Connection: close'), 2_000)
      assert.deepEqual(statuses(text), [200, 200])
      assert.doesNotMatch(text, /timeout=99|Proxy-Connection|Trailer|chunked/)
      assert.match(text, /Connection: close\r\n[\s\S]*x$/)
      const client = await session(secure)
      for (const path of ['/trailer', '/of-connection', '/sse']) {
        const { head, body, code } = await ask2(client, path)
        assert.equal(head[':status'], 200, path)
        assert.equal(code, 0)
        assert.match(body, path === '/sse' ? /data: one\n\ndata: two/ : /^x$/)
      }
      client.destroy()
    })

    test('a body longer than its length is cut there, and the connection ends', async () => {
      for (const path of ['/more', '/more-late']) {
        await errors()
        const { text, closed } = await talk(plain, get(path) + get('/hello'), 2_000)
        assert.match(text, /Content-Length: 5\r\n[\s\S]*\r\n\r\nhello$/)
        assert.equal(closed, true)
        assert.equal((await errors()).length, 1)
        const client = await session(secure)
        const { body, code } = await ask2(client, path)
        assert.deepEqual({ body, code }, { body: 'hello', code: 0 })
        client.destroy()
        assert.equal((await errors()).length, 1)
      }
    })

    test('a body that is too short or fails never looks whole, and the client does not wait', async () => {
      for (const path of ['/fewer-late', '/fails-later']) {
        await errors()
        const { text, closed } = await talk(plain, get(path), 2_000)
        assert.match(text, /^HTTP\/1\.1 200/)
        assert.doesNotMatch(text, /\r\n0\r\n\r\n/)
        assert.equal(closed, true)
        // Without a length, and without chunks: only a reset shows that it is not whole.
        const socket = connectTcp({ port: plain, host: '127.0.0.1' })
        const failed = once(socket, 'error')
        socket.resume().write('GET /fails-later HTTP/1.0\r\nHost: a\r\n\r\n')
        assert.equal((await failed)[0].code, 'ECONNRESET', path)
        const client = await session(secure)
        assert.equal((await ask2(client, path)).code, 2)
        client.destroy()
        const reports = await errors()
        assert.equal(reports.length, 3, `${reports}`)
      }
    })

    test('a body that is there before its head goes out has a length; HEAD says the same or nothing', async () => {
      for (const [path, length] of Object.entries({ '/hello': 5, '/one-piece': 5, '/blob': 3, '/late': 4 })) {
        const { text } = await talk(plain, get(path, 'Connection: close'), 2_000)
        assert.match(text, new RegExp(`\r\nContent-Length: ${length}\r\n`, 'i'), path)
        const head = await talk(plain, get(path, 'Connection: close').replace('GET', 'HEAD'), 2_000)
        const said = /\r\ncontent-length: (\d+)/i.exec(head.text)?.[1]
        assert.ok(said === undefined || said === `${length}`, `${path}: ${said}`)
        assert.match(head.text, /\r\n\r\n$/)
      }
      const client = await session(secure)
      const { head, body } = await ask2(client, '/hello', { ':method': 'HEAD' })
      assert.deepEqual([head['content-length'], body], ['5', ''])
      client.destroy()
    })

    test('a Blob has its own type, and no other body is given one', async () => {
      const { text } = await talk(plain, get('/blob') + get('/one-piece', 'Connection: close'), 2_000)
      assert.match(text, /content-type: text\/html/i)
      assert.equal(text.match(/content-type/gi)?.length, 1)
    })

    test('a request body that is cancelled in its middle costs nobody an answer', async () => {
      const { text } = await talk(plain, post('/cancelled', 'x'.repeat(500_000)) + get('/hello'), 1_500)
      assert.deepEqual(statuses(text), [200, 200])
      const client = await session(secure)
      const stream = client.request({ ':path': '/cancelled', ':method': 'POST' })
      stream.on('error', () => {})
      stream.end(Buffer.alloc(500_000))
      const [head] = await once(stream, 'response')
      assert.equal(head[':status'], 200)
      assert.equal((await ask2(client, '/hello')).body, 'hello')
      client.destroy()
    })

    test('a FormData that nobody reads to its end ends nothing', async () => {
      const { text } = await talk(
        plain,
        get('/form').replace('GET', 'HEAD') + get('/hello', 'Connection: close'),
        2_000,
      )
      assert.deepEqual(statuses(text), [200, 200])
      const socket = connectTcp({ port: plain, host: '127.0.0.1' })
      socket.on('error', () => {})
      socket.write(get('/form'))
      await once(socket, 'data')
      socket.resetAndDestroy()
      await nothingLeft(plain)
    })

    test('a handler that is late and then returns nothing has been answered 503', async () => {
      const port = await serving({ globals, handlerTimeoutMs: 50 })
      const { text } = await talk(port, get('/late') + get('/nothing-late', 'Connection: close'), 2_000)
      assert.deepEqual(statuses(text), [503, 500])
    })
  })
}
