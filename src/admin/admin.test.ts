import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Hono } from 'hono'
import { serveInMemory } from '../serve/in-memory.fake.ts'
import { type GuardOptions, guard } from './guard.ts'
import { adminRoutes } from './routes.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

async function administered(t: TestContext, options: GuardOptions = { token: null }) {
  const server = await serveInMemory(t, async (request: Request) => {
    await request.text()
    return new Response('hello')
  })
  const app = new Hono().use(guard(options)).route('/', adminRoutes(server.running))
  const ask = (path: string, init: RequestInit & { host?: string } = {}) => {
    const { host = '127.0.0.1:9180', headers, ...rest } = init
    return app.request(`http://${host}${path}`, { ...rest, headers: { Host: host, ...headers } })
  }
  return { ...server, ask }
}

test('connections are listed, and one is closed by its number', async (t) => {
  const { ask, connect } = await administered(t)
  const client = connect()
  await client.send(get)
  const listed = (await (await ask('/connections')).json()) as { id: number; state: string }[]
  assert.deepEqual(
    listed.map(({ id, state }) => [id, state]),
    [[1, 'idle']],
  )
  assert.equal((await ask('/connections/1/close', { method: 'POST' })).status, 204)
  assert.equal(client.transport.acts.at(-1), 'destroy')
  assert.equal((await ask('/connections/7/close', { method: 'POST' })).status, 404)
  const ends = (await (await ask('/ends')).json()) as { by: string }[]
  assert.deepEqual(
    ends.map(({ by }) => by),
    ['operator'],
  )
  assert.equal((await ask('/connections/1/close')).status, 404, 'GET changes nothing')
})

test('one connection is told with its moves, and its end with the request that was in flight', async (t) => {
  const { ask, connect } = await administered(t)
  const client = connect()
  await client.send(get)
  const { moves } = (await (await ask('/connections/1')).json()) as { moves: { mark: string }[] }
  assert.deepEqual(
    moves.map(({ mark }) => mark),
    ['request', 'answered'],
  )
  assert.equal((await ask('/connections/2')).status, 404)
  const uploads = connect()
  await uploads.send('POST /upload?secret HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nha')
  uploads.transport.destroy()
  const [end] = (await (await ask('/ends')).json()) as { route: string | null }[]
  assert.equal(end?.route, 'POST /upload')
})

test('a filter that can not be is refused by name', async (t) => {
  const { ask } = await administered(t)
  for (const [path, why] of [
    ['/connections?limit=x', /limit=x/],
    ['/connections?state=sleepy', /state=sleepy: one of handshake/],
    ['/ends?limit=-1', /limit=-1/],
  ] as const) {
    const response = await ask(path)
    assert.equal(response.status, 400)
    assert.match(await response.text(), why)
  }
})

test('upstreams are those of a gateway', async (t) => {
  const { ask, running } = await administered(t)
  assert.equal((await ask('/upstreams')).status, 404)
  const status = { groups: {}, tunnels: 0, spooledBytes: 7 }
  const gateway = adminRoutes({ ...running, upstreams: () => status })
  assert.deepEqual(await (await gateway.request('/upstreams')).json(), status)
})

test('readiness goes off as a drain begins; health stays', async (t) => {
  const { ask } = await administered(t)
  assert.equal((await ask('/readyz')).status, 200)
  assert.equal((await ask('/drain', { method: 'POST' })).status, 202)
  assert.equal((await ask('/readyz')).status, 503)
  assert.equal((await ask('/healthz')).status, 200)
})

test('names that DNS could point here, and other origins, are refused', async (t) => {
  const { ask } = await administered(t, { token: null, hosts: ['ops.example.org'] })
  for (const host of ['localhost:9180', '127.0.0.1:9180', '[::1]:9180', '10.0.0.7', 'ops.example.org:9180']) {
    assert.equal((await ask('/healthz', { host })).status, 200, host)
  }
  for (const host of ['evil.example:9180', '127.0.0.1.evil.example', 'localhost.evil.example']) {
    assert.equal((await ask('/healthz', { host })).status, 403, host)
  }
  for (const headers of [
    { Origin: 'http://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://127.0.0.1:3000' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]) {
    assert.equal((await ask('/idle/close', { method: 'POST', headers })).status, 403, JSON.stringify(headers))
  }
  assert.equal((await ask('/idle/close', { method: 'POST', headers: { Origin: 'http://127.0.0.1:9180' } })).status, 200)
})

test('with a token, whoever does not show it is refused', async (t) => {
  const { ask } = await administered(t, { token: 'a-token-of-enough-length' })
  const as = async (Authorization: string) => (await ask('/healthz', { headers: { Authorization } })).status
  assert.equal((await ask('/healthz')).status, 401)
  assert.equal(await as('Bearer a-token-of-enough-length'), 200)
  assert.equal(await as(`Basic ${btoa('me:a-token-of-enough-length')}`), 200)
  for (const wrong of ['Bearer a-token-of-enough-lengtH', 'Bearer', 'Basic ?', 'a-token-of-enough-length']) {
    assert.equal(await as(wrong), 401, wrong)
  }
})
