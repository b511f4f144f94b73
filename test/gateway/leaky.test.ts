/** The servers that the gateway is for: each leaks alone, and does not behind it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { socketCount } from '../../src/probe/client/kernel.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import { connectionsTo } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { ask, opened } from './clients.ts'
import { startGateway } from './process.ts'
import { startGevent, startGunicorn, withoutGevent, withoutGunicorn } from './python.ts'

const idleClients = 500
const idleTimeoutMs = 2_000
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Each asks once, reads its answer, and says nothing more. */
async function idleCrowd(port: number): Promise<Socket[]> {
  const crowd: Socket[] = []
  for (let opening = 0; opening < idleClients; opening += 50) {
    crowd.push(
      ...(await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = await opened(port, get)
          const { promise: answered, resolve } = Promise.withResolvers<void>()
          socket.once('data', () => resolve()).resume()
          await answered
          return socket
        }),
      )),
    )
  }
  return crowd
}

const destroyAll = (sockets: readonly Socket[]) => {
  for (const socket of sockets) socket.destroy()
}

test('500 idle clients of gevent.pywsgi keep 500 descriptors past any limit', { skip: withoutGevent }, async (t) => {
  const gevent = await startGevent(t)
  const crowd = await idleCrowd(gevent.port)
  t.after(() => destroyAll(crowd))
  await sleep(2 * idleTimeoutMs)
  assert.equal(connectionsTo(gevent.port), idleClients)
  assert.ok((socketCount(gevent.pid) ?? 0) >= idleClients)
})

/** The workers' own listen queue takes them; what matters is whether they read. */
const slowUploads = 200
const upload = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n'

onEachRuntime('behind a gateway', (name) => {
  test('500 idle clients are closed, and leave gevent.pywsgi no more than the pool', {
    skip: withoutGevent,
  }, async (t) => {
    const gevent = await startGevent(t)
    const before = socketCount(gevent.pid) ?? 0
    const pool = 16
    const gateway = await startGateway(
      t,
      name,
      [gevent],
      [...['--upstream-max-connections', String(pool)], ...['--idle-timeout', `${idleTimeoutMs}ms`]],
    )
    const crowd = await idleCrowd(gateway.port)
    t.after(() => destroyAll(crowd))
    assert.ok(connectionsTo(gevent.port) <= pool)
    assert.ok((socketCount(gevent.pid) ?? Number.POSITIVE_INFINITY) <= before + pool)
    assert.equal(
      await eventually(
        () => connectionsTo(gateway.port),
        (count) => count === 0,
        2 * idleTimeoutMs,
      ),
      0,
    )
    // The pool lets go as well.
    assert.equal(
      await eventually(
        () => connectionsTo(gevent.port),
        (count) => count === 0,
        6_000,
      ),
      0,
    )
    assert.equal(socketCount(gevent.pid), before)
  })

  for (const buffer of ['both', 'off'] as const) {
    const stays = buffer === 'both' ? 'stays available' : 'is out of reach'
    test(`gunicorn with two workers ${stays} under 200 slow uploads with --buffer ${buffer}`, {
      skip: withoutGunicorn,
    }, async (t) => {
      const gunicorn = await startGunicorn(t, 2)
      const gateway = await startGateway(
        t,
        name,
        [gunicorn],
        [
          ...['--buffer', buffer, '--upstream-max-connections', '300'],
          ...['--min-body-rate', 'off', '--body-timeout', '60s'],
        ],
      )
      await ask(gateway.port, '/')
      const clients = await Promise.all(Array.from({ length: slowUploads }, () => opened(gateway.port, upload)))
      for (const client of clients) client.on('error', () => {})
      const trickling = setInterval(() => {
        for (const client of clients) client.write('x')
      }, 200)
      t.after(() => {
        clearInterval(trickling)
        destroyAll(clients)
      })
      await sleep(1_000)
      const answered = await Promise.race([ask(gateway.port, '/').then(({ status }) => status), sleep(1_000)])
      assert.equal(answered, buffer === 'both' ? 200 : undefined)
    })
  }

  test('the body that gevent.pywsgi sends to HEAD is nobody’s answer', { skip: withoutGevent }, async (t) => {
    const gevent = await startGevent(t)
    const gateway = await startGateway(t, name, [gevent])
    for (let i = 0; i < 10; i++) {
      assert.equal((await ask(gateway.port, '/careless', { method: 'HEAD' })).status, 200)
      const answers = await Promise.all(
        ['GET', 'POST'].map((method) => ask(gateway.port, method === 'GET' ? '/' : '/upload', { method })),
      )
      assert.deepEqual(
        answers.map(({ status, body }) => `${status} ${body}`),
        ['200 hello\n', '200 0\n'],
      )
    }
    assert.equal(gateway.stderr().match(/sends a body with its responses to HEAD/g)?.length, 1)
  })

  test('trailers are no second request to gevent.pywsgi', { skip: withoutGevent }, async (t) => {
    const gevent = await startGevent(t)
    const gateway = await startGateway(t, name, [gevent])
    const smuggling = await opened(
      gateway.port,
      'POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: 1\r\nPOST: /count HTTP/1.1\r\n\r\n',
    )
    await once(smuggling, 'data')
    await sleep(200)
    smuggling.destroy()
    assert.equal((await ask(gevent.port, '/count', { method: 'POST' })).body, '1\n')
  })
})
