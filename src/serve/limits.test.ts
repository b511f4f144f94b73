/**
 * `limits()` and `withLimits()` on the socket engine, over sockets in memory and a clock that the
 * test moves.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import { enforcementOf } from '../policy/enforcement.ts'
import type { ServeOptions } from './contract.ts'
import { serveInMemory, settled } from './in-memory.fake.ts'
import { limits, withLimits } from './limits.ts'
import { withoutOtherRoutes } from './route-limits.fake.ts'
import { checkRoutes } from './route-limits.ts'

const upload = async (c: Context) => c.text(`${(await c.req.arrayBuffer()).byteLength}`)
const post = (path: string, length: number, body = '') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
const chunked = (path: string, ...chunks: string[]) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')}`
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

const own: ServeOptions = {
  bodyTimeoutMs: 2_000,
  minBodyBytesPerSec: 0,
  idleTimeoutMs: 4_000,
  streamIdleTimeoutMs: 3_000,
  maxBodyBytes: 8,
}

function served(t: TestContext, routes: (app: Hono) => void, options: ServeOptions = own) {
  withoutOtherRoutes(t)
  const app = new Hono()
  // As an application that looks at what it gets before it knows what the request is for.
  app.use('/late/*', async (_, next) => {
    await settled()
    await next()
  })
  routes(app)
  return serveInMemory(t, app, options)
}

test('a route has limits of its own, and what comes behind it on the connection has the server’s', async (t) => {
  const { clock, connect } = await served(t, (app) => {
    app.post('/slow', limits({ bodyTimeoutMs: '10s' }), upload)
    app.post('/upload', upload)
  })
  const { transport, send } = connect()
  await send(post('/slow', 4, 'ab'))
  clock.pass(9_500)
  assert.deepEqual(transport.statuses, [])
  await send(`cd${post('/upload', 4, 'ab')}`)
  assert.deepEqual(transport.statuses, ['200'])
  clock.pass(1_900)
  assert.deepEqual(transport.statuses, ['200'])
  clock.pass(200)
  await settled()
  assert.deepEqual(transport.statuses, ['200', '408'])
})

test('after a request with limits of its own the idle limit is the server’s, to the moment', async (t) => {
  const { clock, connect } = await served(t, (app) => {
    app.get('/free', limits({ streamIdleTimeoutMs: 'off', writeTimeoutMs: 'off' }), (c) => c.text('free'))
  })
  for (const requests of [get('/free'), get('/free') + get('/free')]) {
    const { transport, send } = connect()
    await send(requests)
    clock.pass(3_900)
    assert.equal(transport.acts.includes('destroy'), false)
    clock.pass(200)
    assert.equal(transport.acts.at(-1), 'destroy')
  }
})

test('a quiet stream lives as long as its route says', async (t) => {
  const stream = () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }))
  const { clock, connect, running } = await served(t, (app) => {
    app.get('/events', limits({ streamIdleTimeoutMs: 'off' }), stream)
    app.get('/short', stream)
  })
  const [events, short] = [connect(), connect()]
  await events.send(get('/events'))
  await short.send(get('/short'))
  for (let turn = 0; turn < 4; turn++) {
    clock.pass(100)
    await settled()
  }
  assert.equal(running.connections().changedLimits, 1)
  assert.deepEqual(
    running.observer.list().map(({ changedLimits, dueBy }) => [changedLimits, dueBy]),
    [
      [{ streamIdleTimeoutMs: 0 }, null],
      [null, 'streamIdleTimeoutMs'],
    ],
  )
  clock.pass(60_000)
  assert.equal(short.transport.acts.at(-1), 'destroy')
  assert.equal(events.transport.acts.includes('destroy'), false)
})

test('a larger body is taken where its route takes it, announced or not, before and after a pause', async (t) => {
  const { connect } = await served(t, (app) => {
    for (const at of ['/large', '/late/large']) app.post(at, limits({ maxBodyBytes: 16 }), upload)
  })
  for (const path of ['/large', '/late/large']) {
    for (const request of [post(path, 16, 'x'.repeat(16)), `${chunked(path, 'x'.repeat(12), 'x')}0\r\n\r\n`]) {
      const { transport, send } = connect()
      await send(request)
      await settled()
      assert.match(transport.written, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n1[36]$/, request)
    }
    for (const request of [post(path, 17, 'x'.repeat(17)), chunked(path, 'x'.repeat(12), 'x'.repeat(5))]) {
      const { transport, send } = connect()
      await send(request)
      await settled()
      assert.deepEqual(transport.statuses, ['413'], request)
    }
  }
})

test('what no route takes is refused, 413 whatever the handler does, and its read fails', async (t) => {
  const errors: unknown[] = []
  const { connect, running } = await served(t, (app) => {
    app.post('/large', limits({ maxBodyBytes: 1_000 }), upload)
    app.post('/upload', async (c) => {
      await c.req.text().catch((error) => errors.push(error.code))
      return c.text('read')
    })
    app.post('/unread', (c) => c.text('unread'))
  })
  const requests = [
    post('/upload', 9, 'x'.repeat(9)),
    post('/upload', 500, 'x'),
    chunked('/upload', 'xxxx', 'xxxxx'),
    post('/unread', 9, 'x'.repeat(9)),
    post('/unread', 500),
    post('/nowhere', 500),
  ]
  for (const request of requests) {
    const { transport, send } = connect()
    await send(request)
    await settled()
    assert.deepEqual(transport.statuses, ['413'], request)
    assert.match(transport.written, /\r\nConnection: close\r\n/)
  }
  assert.deepEqual(errors, ['BODY_REFUSED', 'BODY_REFUSED', 'BODY_REFUSED'])
  assert.deepEqual(running.connections().hungUp, { maxBodyBytes: requests.length })
})

test('beyond what any route takes nobody is asked', async (t) => {
  const asked: string[] = []
  const { connect } = await served(t, (app) => {
    app.post('/large', limits({ maxBodyBytes: 16 }), upload)
    app.use(async (c, next) => {
      asked.push(c.req.path)
      await next()
    })
  })
  const { transport, send } = connect()
  await send(post('/upload', 17, 'x'))
  assert.deepEqual([transport.statuses, asked], [['413'], []])
})

test('a smaller limit refuses what is known to be larger before the handler, and what turns out to be', async (t) => {
  let handled = 0
  const { connect } = await served(t, (app) => {
    app.post('/small', limits({ maxBodyBytes: 3 }), (c) => {
      handled += 1
      return upload(c)
    })
  })
  const announced = connect()
  await announced.send(post('/small', 4, 'abcd'))
  assert.deepEqual([announced.transport.statuses, handled], [['413'], 0])
  const coming = connect()
  await coming.send(chunked('/small', 'abc'))
  assert.deepEqual(coming.transport.statuses, [])
  await coming.send('1\r\nd\r\n0\r\n\r\n')
  await settled()
  assert.deepEqual([coming.transport.statuses, handled], [['413'], 1])
  const fits = connect()
  await fits.send(post('/small', 3, 'abc'))
  assert.deepEqual(fits.transport.statuses, ['200'])
})

test('the later of two wins, option by option', async (t) => {
  const { clock, connect, running } = await served(t, (app) => {
    app.post('/both', limits({ bodyTimeoutMs: '1s', maxBodyBytes: 4 }), limits({ bodyTimeoutMs: '20s' }), upload)
  })
  const { transport, send } = connect()
  await send(post('/both', 4, 'ab'))
  clock.pass(15_000)
  assert.deepEqual(transport.statuses, [])
  assert.deepEqual(running.observer.list()[0]?.changedLimits, { bodyTimeoutMs: 20_000, maxBodyBytes: 4 })
})

test('a handler has the time of its route: more, less, or all', async (t) => {
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const slow = async (c: Context) => {
    await finished
    return c.text('slow')
  }
  const { clock, connect } = await served(
    t,
    (app) => {
      app.get('/slow', slow)
      app.get('/off', limits({ handlerTimeoutMs: 'off' }), slow)
      app.get('/longer', limits({ handlerTimeoutMs: 20 }), limits({ handlerTimeoutMs: '5s' }), slow)
      app.get('/late/off', limits({ handlerTimeoutMs: 'off' }), slow)
    },
    { handlerTimeoutMs: 60 },
  )
  const asked = ['/slow', '/off', '/longer', '/late/off'].map(async (path) => {
    const { transport, send } = connect()
    await send(get(path))
    return transport
  })
  const transports = await Promise.all(asked)
  clock.pass(4_900)
  await settled()
  finish()
  await settled()
  assert.deepEqual(
    transports.map(({ statuses }) => statuses[0]),
    ['503', '200', '200', '200'],
  )
})

test('without a limit of the server’s a route gives its handler one, and its signal', async (t) => {
  const aborted: unknown[] = []
  const { clock, connect, running } = await served(
    t,
    (app) => {
      app.get('/late/short', limits({ handlerTimeoutMs: 30 }), async (c) => {
        const { signal } = c.req.raw
        await delay(5_000, null, { signal }).catch(() => aborted.push((signal.reason as { code?: string }).code))
        return c.text('gave up')
      })
    },
    {},
  )
  const { transport, send } = connect()
  await send(get('/late/short'))
  clock.pass(100)
  await settled()
  assert.deepEqual([transport.statuses, aborted], [['503'], ['HANDLER_TIMEOUT']])
  assert.deepEqual(running.connections().hungUp, { handlerTimeoutMs: 1 })
})

test('a request that was answered is left alone, and so is the one behind it', async (t) => {
  let late = (): void => {}
  const { clock, connect, running } = await served(t, (app) => {
    const short = limits({ bodyTimeoutMs: 100 })
    app.get('/later', (c) => {
      late = () => void short(c, async () => {})
      return c.text('answered')
    })
    app.post('/upload', upload)
  })
  const { transport, send } = connect()
  await send(get('/later') + post('/upload', 4, 'ab'))
  late()
  clock.pass(1_900)
  assert.deepEqual(transport.statuses, ['200'])
  assert.equal(running.connections().changedLimits, 0)
})

test('withLimits() is the same for a fetch handler and for an application in another', async (t) => {
  withoutOtherRoutes(t)
  const inner = new Hono().post('/*', upload)
  const large = withLimits({ maxBodyBytes: '1kb' }, inner)
  const bare = withLimits({ bodyTimeoutMs: 100 }, async (request) => new Response(await request.text()))
  const { clock, connect } = await serveInMemory(
    t,
    (request, env) => (request.url.endsWith('/large') ? large(request, env) : bare(request)),
    own,
  )
  const [one, other] = [connect(), connect()]
  await one.send(post('/large', 10, '1234567890'))
  await settled()
  assert.match(one.transport.written, /\r\n\r\n10$/)
  await other.send(post('/', 4, 'ab'))
  clock.pass(200)
  await settled()
  assert.deepEqual(other.transport.statuses, ['408'])
})

test('an application that nobody serves has no limits to change', async (t) => {
  withoutOtherRoutes(t)
  const app = new Hono().post('/', limits({ maxBodyBytes: 1 }), upload)
  const response = await app.request('/', { method: 'POST', body: 'larger' })
  assert.equal(await response.text(), '6')
})

test('a copy of the request reaches no server, and the log says so', async (t) => {
  withoutOtherRoutes(t)
  const lines: string[] = []
  const inner = new Hono().post('/', limits({ maxBodyBytes: 100 }), upload)
  const app = new Hono().mount('/inner', inner.fetch)
  const { connect } = await serveInMemory(t, app, { ...own, log: ({ code }) => void lines.push(code) })
  const { transport, send } = connect()
  await send(post('/inner', 2, 'ab'))
  await settled()
  assert.match(transport.written, /\r\n\r\n2$/)
  assert.deepEqual(lines, ['LIMITS_UNREACHED'])
})

test('what an engine can’t change is an error when it starts, and from then on when a route is made', async (t) => {
  withoutOtherRoutes(t)
  const workers = { runtime: 'Workers', enforcement: enforcementOf('workers') }
  limits({ handlerTimeoutMs: '5s' })
  checkRoutes(workers)
  withLimits({ uploadTimeoutMs: '1h', bodyTimeoutMs: 'off' }, () => new Response())
  assert.throws(
    () => checkRoutes(workers),
    /2 problems:\n {2}withLimits\(\{ uploadTimeoutMs \}\) 1h: on Workers a route/,
  )
  await serveInMemory(t, () => new Response())
})

test('a route that is made too late for a server that can’t hold it is refused by name', async (t) => {
  const { holdRoutes } = await import('./route-limits.ts')
  withoutOtherRoutes(t)
  const letGo = holdRoutes({ runtime: 'Workers', enforcement: enforcementOf('workers') })
  assert.throws(() => limits({ streamIdleTimeoutMs: '1m' }), /limits\(\{ streamIdleTimeoutMs \}\) 1m: on Workers/)
  letGo()
  limits({ streamIdleTimeoutMs: '1m' })
})

test('the middleware has a name, and an error of a factory names its own', () => {
  assert.equal(limits({}).name, 'limits')
  assert.throws(() => limits({ bodyTimeoutMs: '30' }), /^ConfigError: limits\(\{ bodyTimeoutMs \}\): "30" has no unit/)
  assert.throws(
    () => withLimits({ nothing: 1 } as never, () => new Response()),
    /withLimits\(\{ nothing \}\) 1: there is/,
  )
})
