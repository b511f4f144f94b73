import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Backend, type Behave, MemoryWorld, ok } from './world.fake.ts'

const to = (...ports: number[]) => ports.flatMap((port) => ['--to', `http://127.0.0.1:${port}`])
const silent = () => {}

/**
 * A world with a gateway in front of these ports; the gateway leaves nothing open when its test is
 * over.
 */
async function world(t: TestContext, flags: readonly string[], seed = 1) {
  const one = new MemoryWorld(seed)
  const running = await one.gateway(...flags)
  t.after(async () => {
    const killed = running.kill()
    await one.settled()
    await killed
    assert.equal(one.network.open, 0)
  })
  return Object.assign(one, { running })
}

test('an upstream connection is used again, and closed when it has been idle for its time', async (t) => {
  const one = await world(t, [...to(1), '--upstream-idle-timeout', '4s'])
  const backend = await one.backend(1, ok('hello'))
  const client = await one.client()
  await client.get()
  await one.pass(3_900)
  await client.get()
  assert.deepEqual(client.statuses, ['200', '200'])
  assert.deepEqual([backend.accepted, backend.open], [1, 1])
  await one.pass(3_900)
  assert.equal(backend.open, 1)
  await one.pass(200)
  assert.equal(backend.open, 0)
})

test('a backend that does not begin its response is a 504 at its limit, and loses its connection', async (t) => {
  const one = await world(t, [...to(1), '--upstream-first-byte-timeout', '60s'])
  const backend = await one.backend(1, silent)
  const client = await (await one.client()).get()
  await one.pass(59_900)
  assert.deepEqual(client.statuses, [])
  await one.pass(150)
  assert.deepEqual(client.statuses, ['504 first-byte-timeout'])
  assert.equal(backend.open, 0)
  assert.equal(backend.heads.length, 1)
})

test('a refused connection goes to the other upstream, whatever the method', async (t) => {
  const one = await world(t, to(1, 2))
  const backend = await one.backend(2, ok('hello'))
  const client = await one.client()
  for (let i = 0; i < 4; i++) await client.post()
  assert.deepEqual(client.statuses, ['200', '200', '200', '200'])
  assert.equal(backend.heads.length, 4)
})

test('a connection that ends before the response is tried again for GET, and never for POST', async (t) => {
  const one = await world(t, to(1, 2))
  const ends = await one.backend(1, (_, socket) => socket.destroy())
  await one.backend(2, ok('hello'))
  const client = await one.client()
  await client.get()
  await client.get()
  assert.deepEqual(client.statuses, ['200', '200'])
  for (let i = 0; i < 2; i++) await client.post()
  assert.deepEqual(client.statuses.slice(2).sort(), ['200', '502 ended'])
  assert.equal(ends.heads.length, 2)
})

test('a connect that nobody answers goes to the other upstream at its limit', async (t) => {
  const one = await world(t, [...to(1, 2), '--upstream-connect-timeout', '5s'])
  one.network.blackHole(1)
  await one.backend(2, ok('hello'))
  const client = await (await one.client()).get()
  if (client.statuses.length > 0) await client.get()
  const before = client.statuses.length
  await one.pass(4_900)
  assert.equal(client.statuses.length, before)
  await one.pass(150)
  assert.equal(client.statuses.at(-1), '200')
})

test('an upstream is ejected after five failures, and comes back slowly after its time', async (t) => {
  const one = await world(t, to(1, 2))
  let broken = true
  const first = await one.backend(1, (request, socket) => (broken ? socket.destroy() : ok('one')(request, socket)))
  await one.backend(2, ok('two'))
  const early = await one.client()
  for (let i = 0; i < 12; i++) await early.get()
  assert.deepEqual(one.log, ['UPSTREAM_EJECTED'])
  assert.equal(first.heads.length, 5)
  broken = false
  await one.pass(9_900)
  await (await one.client()).get()
  assert.equal(first.heads.length, 5)
  await one.pass(12_000)
  const late = await one.client()
  for (let i = 0; i < 20; i++) await late.get()
  assert.deepEqual(one.log, ['UPSTREAM_EJECTED', 'UPSTREAM_UP'])
  assert.equal(first.heads.length, 15)
  const statuses = [...early.statuses, ...late.statuses]
  assert.deepEqual([statuses.length, new Set(statuses)], [32, new Set(['200'])])
})

test('a request waits for a connection, and is refused when it has waited for its time', async (t) => {
  const one = await world(t, [...to(1), '--upstream-max-connections', '1', '--upstream-queue-timeout', '10s'])
  await one.backend(1, silent)
  await (await one.client()).get()
  const second = await (await one.client()).get()
  await one.pass(9_900)
  assert.deepEqual(second.statuses, [])
  await one.pass(150)
  assert.deepEqual(second.statuses, ['503 queue-timeout'])
})

test('an upstream is let go a moment after its client sent FIN, and at once after a reset', async (t) => {
  const one = await world(t, [...to(1), '--abort-grace', '1s'])
  const backend = await one.backend(1, silent)
  const halfClosed = await (await one.client()).get()
  await halfClosed.end()
  await one.pass(900)
  assert.equal(backend.open, 1)
  await one.pass(200)
  assert.equal(backend.open, 0)
  const reset = await (await one.client()).get()
  assert.equal(backend.open, 1)
  await reset.reset()
  assert.equal(backend.open, 0)
})

test('interim responses are passed on, but not by a route that says so', async (t) => {
  const hints: Behave = (request, socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n', null)
    ok('hello')(request, socket)
  }
  for (const [flags, statuses] of [
    [[], ['103', '200']],
    [['--no-early-hints'], ['200']],
  ] as const) {
    const one = await world(t, [...to(1), ...flags])
    await one.backend(1, hints)
    assert.deepEqual((await (await one.client()).get()).statuses, statuses)
  }
})

test('a client that says nothing after its response is closed at its idle limit', async (t) => {
  const one = await world(t, [...to(1), '--idle-timeout', '5s'])
  await one.backend(1, ok('hello'))
  const client = await (await one.client()).get()
  await one.pass(4_900)
  assert.equal(client.closed, false)
  await one.pass(300)
  assert.equal(client.closed, true)
})

test('a drain answers what is in flight, and closes the idle upstream connections', async (t) => {
  const one = await world(t, [...to(1), '--drain-timeout', '10s', '--drain-delay', '0', '--drain-spread', '0'])
  let answer = () => {}
  const backend = await one.backend(1, (request, socket) => {
    answer = () => ok('late')(request, socket)
  })
  const client = await (await one.client()).get()
  const drained = one.running.drain()
  await one.pass(3_000)
  await assert.rejects(one.client(), { code: 'ECONNREFUSED' })
  answer()
  await one.pass(1_000)
  assert.deepEqual([client.statuses, client.closed], [['200'], true])
  assert.deepEqual([await drained, backend.open], [{ cut: 0 }, 0])
})

/** What a thousand steps of clients and backends come to, in one line each. */
async function history(t: TestContext, seed: number): Promise<string[]> {
  const one = await world(t, [...to(1, 2, 3), '--upstream-max-connections', '2', '--upstream-read-timeout', '2s'], seed)
  const whims = [
    ok('hello'),
    ok('x'.repeat(5_000)),
    silent,
    (_: unknown, socket: { destroy(): void }) => socket.destroy(),
  ]
  const backends: Backend[] = []
  for (const port of [1, 2])
    backends.push(await one.backend(port, (...all) => whims[Math.floor(one.random() ** 2 * whims.length)]!(...all)))
  const clients = []
  for (let step = 0; step < 60; step++) {
    const client = await one.client()
    clients.push(client)
    await (one.random() < 0.7 ? client.get() : client.post('y'.repeat(Math.floor(one.random() * 3_000))))
    if (one.random() < 0.1) await client.reset()
    await one.pass(Math.floor(one.random() * 2_000), 500)
  }
  // The longest limit, and what may be queued behind it.
  await one.pass(200_000, 1_000)
  for (const client of clients) assert.ok(client.closed || client.statuses.length === 1, client.received.slice(0, 200))
  assert.deepEqual(
    one.running.status().groups['default']?.map(({ inFlight }) => inFlight),
    [0, 0, 0],
  )
  return [
    ...clients.map(({ statuses }) => statuses.join()),
    ...one.log,
    ...backends.map(({ heads }) => String(heads.length)),
  ]
}

test('the health path is answered by the gateway, and says no from the first moment of a drain', async (t) => {
  const one = await world(t, [...to(1), '--health-path', '/up', '--drain-delay', '1s'])
  const backend = await one.backend(1, ok('hello'))
  const client = await one.client()
  for (const path of ['/up', '/up?from=lb', '/upper', '/']) await client.get(path)
  assert.deepEqual(client.statuses, ['200', '200', '200', '200'])
  assert.equal(backend.heads.length, 2)
  void one.running.drain()
  const balancer = await one.client()
  await balancer.get('/up')
  assert.deepEqual(balancer.statuses, ['503'])
  assert.match(balancer.received, /draining\n$/)
})

test('every client gets one response, and the same seed gives the same history', async (t) => {
  const seed = Number(process.env['SIMULATION_SEED'] ?? 20_251_129)
  t.diagnostic(`SIMULATION_SEED=${seed}`)
  const first = await history(t, seed)
  assert.deepEqual(await history(t, seed), first)
  assert.ok(new Set(first).size > 5, 'nothing happened')
})

/** A backend that answers once it has a request's body, and keeps it. */
async function readsBodies(one: MemoryWorld, port: number): Promise<string[]> {
  const bodies: string[] = []
  await one.network.listen({ port, host: undefined }, (socket) => {
    let input = ''
    return {
      secured() {},
      drained() {},
      feed(bytes) {
        input += Buffer.from(bytes).toString('latin1')
        for (;;) {
          const [, head = '', length = '0'] = /^(.*?content-length: (\d+).*?\r\n\r\n)/is.exec(input) ?? []
          const end = head.length + Number(length)
          if (head === '' || input.length < end) return
          bodies.push(input.slice(head.length, end))
          input = input.slice(end)
          ok('hello')({ head, earlier: 0 }, socket)
        }
      },
      peerEnded: () => socket.destroy(),
      gone() {},
    }
  })
  return bodies
}

test('a body that came with its head reaches the upstream as it came, on a new connection and on a used one', async (t) => {
  const bodies = ['first', 's'.repeat(64), 't'.repeat(65), 'u'.repeat(20_000), 'last']
  for (const method of ['POST', 'PUT']) {
    for (let seed = 1; seed <= 10; seed++) {
      const one = await world(t, to(1), seed)
      const passed = await readsBodies(one, 1)
      const client = await one.client()
      for (const body of bodies)
        await client.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      assert.deepEqual(client.statuses, Array(bodies.length).fill('200'))
      assert.deepEqual(
        passed.map((body) => `${body.length} ${body.slice(0, 8)}`),
        bodies.map((body) => `${body.length} ${body.slice(0, 8)}`),
      )
      assert.ok(passed.every((body, i) => body === bodies[i]))
    }
  }
})

test('a body is sent again to who closed the connection instead of reading it, if it may be', async (t) => {
  const closing: Behave = (request, socket) => (request.earlier === 1 ? socket.destroy() : ok('hello')(request, socket))
  for (const body of ['short', 'l'.repeat(200)]) {
    const one = await world(t, to(1))
    const backend = await one.backend(1, closing)
    const client = await one.client()
    const put = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    await client.send(put)
    await client.send(put)
    await client.send(put)
    assert.deepEqual(client.statuses.slice(0, 2), ['200', '200'])
    assert.ok(backend.heads.length >= 4, `${backend.heads.length}`)
    assert.ok(
      backend.heads.every((head) => /^(short|l{200})?PUT \/ HTTP/.test(head)),
      backend.heads.join('|'),
    )
  }
})

test('a response reaches its client as it came, however short or long it is', async (t) => {
  const bodies = ['a', 'b'.repeat(64), 'c'.repeat(65), 'd'.repeat(5_000), 'e'.repeat(30_000)]
  for (let seed = 1; seed <= 10; seed++) {
    const one = await world(t, to(1), seed)
    await one.backend(1, (request, socket) => ok(bodies[request.earlier]!)(request, socket))
    const client = await one.client()
    for (const _ of bodies) await client.get()
    const got = client.received.split('\r\n\r\n').slice(1)
    assert.ok(bodies.every((body, i) => got[i]!.slice(0, body.length) === body))
  }
})
