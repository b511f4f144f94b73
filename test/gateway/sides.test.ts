/** The slower side of an exchange: it holds nothing of the other's that it need not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '../../src/probe/client/client.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { ask, load, opened } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** Says how many bytes each body had, and what its length was said to be. */
async function uploads(t: TestContext): Promise<Port> {
  const server = createServer(async (request, response) => {
    let bytes = 0
    for await (const piece of request) bytes += (piece as Buffer).length
    response.end(`${bytes} ${request.headers['content-length']}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}

onEachRuntime('between a client and a backend', (name) => {
  test('a client’s RST frees the upstream at once, its FIN after the grace', async (t) => {
    const backend = await rawBackend(t, { '/hang': () => {} })
    const gateway = await startGateway(t, name, [backend], ['--abort-grace', '800ms'])
    // A backend that has not been asked yet is none that could be freed.
    const isAsked = (times: number) =>
      eventually(
        () => backend.heads.length,
        (count) => count === times,
        2_000,
      )
    const reset = await opened(gateway.port, get('/hang'))
    assert.equal(await isAsked(1), 1)
    reset.resetAndDestroy()
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        400,
      ),
      0,
      'after RST',
    )

    const ended = await opened(gateway.port, get('/hang'))
    assert.equal(await isAsked(2), 2)
    ended.end()
    await sleep(500)
    assert.equal(backend.open(), 1, 'inside the grace')
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        900,
      ),
      0,
      'after the grace',
    )
  })

  test('an event reaches its client while the backend is quiet, and so does what X-Accel-Buffering frees', async (t) => {
    const backend = await rawBackend(t, {
      '/events': ({ socket }) => {
        socket.write(
          'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n',
        )
      },
      '/free': ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nX-Accel-Buffering: no\r\nContent-Length: 100\r\n\r\nhello')
      },
      '/gathered': ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello')
      },
    })
    const gateway = await startGateway(t, name, [backend])
    const bytesOf = async (path: string) => {
      const connection = await Connection.open({ host: '127.0.0.1', port: gateway.port, tls: false })
      connection.send(get(path))
      await connection.until(() => (connection.reader.partial?.bodyBytes ?? 0) > 0, performance.now() + 500)
      const bytes = connection.reader.partial?.bodyBytes ?? 0
      connection.destroy()
      return bytes
    }
    assert.equal(await bytesOf('/events'), 9)
    assert.equal(await bytesOf('/free'), 5)
    // A small answer goes out in one piece.
    assert.equal(await bytesOf('/gathered'), 0)
  })

  test('a client that reads slowly does not hold the backend, and gets all', async (t) => {
    const length = 20_000_000
    let tookMs = Number.POSITIVE_INFINITY
    const backend = await rawBackend(t, {
      '/download': ({ socket }) => {
        const fromMs = performance.now()
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`)
        socket.write(Buffer.alloc(length, 'x'), () => {
          tookMs = performance.now() - fromMs
        })
      },
      '/plain': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain'),
    })
    const gateway = await startGateway(t, name, [backend])
    const slow = await Connection.open({ host: '127.0.0.1', port: gateway.port, tls: false })
    slow.pause()
    slow.send(get('/download'))
    await eventually(
      () => tookMs,
      (ms) => ms < 1_000,
      1_500,
    )
    assert.ok(tookMs < 1_000, `${tookMs} ms`)
    // The connection is free again: there is only the one.
    await sleep(100)
    assert.equal((await ask(gateway.port, '/plain')).body, 'plain')
    assert.equal(backend.connections.length, 1)
    slow.resume()
    await slow.until(() => slow.reader.answers.length > 0, performance.now() + 5_000)
    assert.equal(slow.reader.answers[0]?.bodyBytes, length)
    slow.destroy()
  })

  test('without a spool the backend waits for the client', async (t) => {
    const length = 40_000_000
    let done = false
    const backend = await rawBackend(t, {
      '/download': ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`)
        socket.write(Buffer.alloc(length, 'x'), () => {
          done = true
        })
      },
    })
    const gateway = await startGateway(t, name, [backend], ['--spool-max', 'off'])
    const slow = await Connection.open({ host: '127.0.0.1', port: gateway.port, tls: false })
    slow.pause()
    slow.send(get('/download'))
    await sleep(1_000)
    assert.equal(done, false)
    slow.resume()
    await slow.until(() => slow.reader.answers.length > 0, performance.now() + 5_000)
    assert.equal(slow.reader.answers[0]?.bodyBytes, length)
    slow.destroy()
  })

  test('an upload above memory goes over the spool, with its length; above the spool it is refused, and the gateway lives', async (t) => {
    const backend = await uploads(t)
    const gateway = await startGateway(t, name, [backend], ['--buffer-memory', '64kb', '--spool-max', '2mb'])
    const post = (bytes: number, headers = {}) =>
      ask(gateway.port, '/', { method: 'POST', body: Buffer.alloc(bytes, 'x'), headers })
    assert.equal((await post(10)).body, '10 10')
    assert.equal((await post(900_000)).body, '900000 900000')
    // Nobody knew its length; the backend is told it.
    assert.equal((await post(900_000, { 'Transfer-Encoding': 'chunked' })).body, '900000 900000')
    const refused = await post(3_000_000)
    assert.ok(refused.status === 413 || refused.status === 503, `${refused.status}`)
    // Its room is given back once the system has closed its file.
    await sleep(200)
    assert.equal((await post(900_000)).body, '900000 900000')
    assert.equal((await ask(gateway.port, '/')).status, 200)
  })

  test('a pooled connection is left a second before its upstream leaves it', async (t) => {
    const backend = await rawBackend(t, {
      '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\nok'),
    })
    const gateway = await startGateway(t, name, [backend])
    await ask(gateway.port, '/')
    await sleep(700)
    assert.equal(backend.open(), 1)
    assert.equal(
      await eventually(
        () => backend.open(),
        (count) => count === 0,
        900,
      ),
      0,
    )
  })

  test('a POST takes a connection that has just been used, or a new one; a GET any', async (t) => {
    const backend = await rawBackend(t, {
      '/': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    })
    const gateway = await startGateway(t, name, [backend])
    const connectionsAfter = async (waitMs: number, method: string) => {
      await sleep(waitMs)
      await ask(gateway.port, '/', { method })
      return backend.connections.length
    }
    assert.deepEqual(
      [
        await connectionsAfter(0, 'POST'),
        await connectionsAfter(50, 'POST'),
        await connectionsAfter(600, 'GET'),
        await connectionsAfter(600, 'POST'),
      ],
      [1, 1, 1, 2],
    )
  })

  test('2,000 POSTs to a backend that hangs up after 300 ms without a word: none is executed twice, none lost unsaid', async (t) => {
    const executed = new Map<string, number>()
    const timers = new Map<object, ReturnType<typeof setTimeout>>()
    const backend = await rawBackend(t, {
      '/post': ({ socket, head }) => {
        clearTimeout(timers.get(socket))
        const id = /^x-id: (\S+)/im.exec(head)?.[1] ?? ''
        executed.set(id, (executed.get(id) ?? 0) + 1)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        timers.set(
          socket,
          setTimeout(() => socket.end(), 300),
        )
      },
    })
    const gateway = await startGateway(t, name, [backend])
    const statuses: Record<number, number> = {}
    const failures = await load(50, 2_000, async (agent: Agent, number) => {
      // Around the limit, so that many ask at the very moment at which it hangs up.
      await sleep(number % 4 === 0 ? 290 + Math.random() * 20 : Math.random() * 100)
      const { status } = await ask(gateway.port, '/post', { method: 'POST', headers: { 'X-Id': `${number}` }, agent })
      statuses[status] = (statuses[status] ?? 0) + 1
    })
    assert.deepEqual(failures, {})
    assert.ok([...executed.values()].every((times) => times === 1))
    assert.deepEqual(statuses, { 200: 2_000 })
  })
})
