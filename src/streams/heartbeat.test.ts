import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Hono } from 'hono'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { type HeartbeatOptions, heartbeat, withHeartbeat } from './heartbeat.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A response with a heartbeat of 15 s, and a stream that the test feeds. */
function scene(type = 'text/event-stream', options: HeartbeatOptions = {}, headers: Record<string, string> = {}) {
  const clock = new FakeClock()
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let cancelled: unknown = null
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given
    },
    cancel(reason) {
      cancelled = reason
    },
  })
  const plain = new Response(stream, { headers: { 'content-type': type, ...headers } })
  const response = withHeartbeat(plain, '15s', { clock, ...options })
  const reader = response.body!.getReader()
  const got: string[] = []
  async function readOn(): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      got.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(value))
    }
  }
  return {
    clock,
    plain,
    response,
    reader,
    got,
    readOn,
    controller,
    cancelled: () => cancelled,
    async send(text: string) {
      controller.enqueue(new TextEncoder().encode(text))
      await settled()
    },
    async pass(ms: number) {
      clock.pass(ms)
      await settled()
    },
  }
}

describe('a heartbeat', () => {
  test('comes at once, and whenever the stream was quiet for so long', async () => {
    const { got, readOn, send, pass } = scene()
    void readOn()
    await settled()
    assert.deepEqual(got, [':\n\n'])
    await pass(14_999)
    assert.equal(got.length, 1)
    await pass(1)
    assert.equal(got.length, 2)
    await pass(10_000)
    await send('data: a\n\n')
    await pass(14_999)
    assert.deepEqual(got, [':\n\n', ':\n\n', 'data: a\n\n'])
    await pass(1)
    assert.equal(got.length, 4)
  })

  test('is never written into an event: it waits for the end of one that has begun', async () => {
    const { got, readOn, send, pass } = scene()
    void readOn()
    await send('data: a')
    await pass(60_000)
    await send('b\n')
    await pass(60_000)
    assert.deepEqual(got, [':\n\n', 'data: a', 'b\n'])
    await send('\n')
    await pass(15_000)
    assert.deepEqual(got.slice(3), ['\n', ':\n\n'])
  })

  test('is not kept for a client that does not read', async () => {
    const { clock, reader, pass, send, readOn, got } = scene()
    await reader.read()
    await pass(3_600_000)
    assert.equal(clock.pending, 0, 'no timer while nobody reads')
    await send('data: late\n\n')
    void readOn()
    await settled()
    assert.deepEqual(got, ['data: late\n\n'])
  })

  test('ends with its stream, whichever side ends it: no timer is left', async () => {
    const ended = scene()
    const reading = ended.readOn()
    await ended.send('data: a\n\n')
    ended.controller.close()
    await reading
    const failed = scene()
    const failing = failed.readOn()
    await settled()
    failed.controller.error(new Error('broken'))
    await assert.rejects(failing, /broken/)
    const left = scene()
    await left.reader.read()
    void left.reader.read()
    await settled()
    assert.equal(left.clock.pending, 1)
    await left.reader.cancel('gone')
    assert.equal(left.cancelled(), 'gone')
    assert.deepEqual([ended.clock.pending, failed.clock.pending, left.clock.pending], [0, 0, 0])
  })

  test('asks proxies to pass each event on, and says no length', () => {
    const { response } = scene(
      'text/event-stream; charset=utf-8',
      {},
      { 'cache-control': 'no-cache', 'content-length': '9' },
    )
    const { headers } = response
    assert.deepEqual(
      ['x-accel-buffering', 'cache-control', 'content-length', 'content-type'].map((name) => headers.get(name)),
      ['no', 'no-cache, no-transform', null, 'text/event-stream; charset=utf-8'],
    )
    const kept = scene('text/event-stream', {}, { 'cache-control': 'No-Transform, private' }).response
    assert.equal(kept.headers.get('cache-control'), 'No-Transform, private')
  })

  test('leaves what is no event stream, and what is compressed, as it is', () => {
    for (const response of [
      new Response('text'),
      new Response(null, { headers: { 'content-type': 'text/event-stream' } }),
      new Response('x', { headers: { 'content-type': 'text/event-streams' } }),
      new Response('x', { headers: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' } }),
    ]) {
      assert.equal(withHeartbeat(response, '15s'), response)
    }
  })

  test('of another type is what the application says, behind its own units', async () => {
    const types = { 'application/x-ndjson': { send: '\n', after: '\n' } }
    const { got, readOn, send, pass } = scene('application/x-ndjson', { types })
    void readOn()
    await send('{"a":')
    await pass(30_000)
    await send('1}\n')
    await pass(15_000)
    assert.deepEqual(got, ['\n', '{"a":', '1}\n', '\n'])
  })

  test('takes the mark of UTF-8 out of the way, which would be a byte of a field’s name behind it', async () => {
    const { got, readOn, send } = scene()
    void readOn()
    await send('\ufeffdata: a\n\n')
    await send('\ufeffdata: b\n\n')
    assert.deepEqual(got, [':\n\n', 'data: a\n\n', '\ufeffdata: b\n\n'])
  })

  test('refuses at once what is no time', () => {
    for (const every of [0, -1, Number.NaN, 2 ** 31, '15', 'soon', 'off', '']) {
      assert.throws(() => heartbeat(every), { code: 'CONFIG_INVALID', message: /heartbeat.*accepted/ }, String(every))
    }
    for (const beat of [{ send: '', after: '\n' }, { send: '\n' }, { send: '\n', after: 10 }, '\n', null]) {
      const types = { 'a/b': beat } as unknown as NonNullable<HeartbeatOptions['types']>
      assert.throws(() => heartbeat('1s', { types }), /heartbeat, types a\/b .*: it is not a beat; accepted: send/)
    }
  })

  test('is Hono middleware with a name, and its fields stay', async () => {
    const app = new Hono().use(heartbeat('15s')).get('/', () => {
      const headers = { 'content-type': 'text/event-stream', 'content-length': '3', 'x-own': '1' }
      return new Response('data: a\n\n', { headers })
    })
    const response = await app.request('/')
    assert.equal(await response.text(), ':\n\ndata: a\n\n')
    assert.deepEqual(
      ['x-own', 'x-accel-buffering', 'cache-control', 'content-length'].map((name) => response.headers.get(name)),
      ['1', 'no', 'no-transform', null],
    )
    assert.equal(heartbeat('1s').name, 'heartbeat')
  })

  test('lets go of the producer of what HEAD asks for, and answers with the fields of GET', async () => {
    let live = 0
    const over = (): void => {
      live -= 1
    }
    const app = new Hono().use(heartbeat('15s')).get('/', () => {
      live += 1
      const body = new ReadableStream({ cancel: over })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    const response = await app.request('/', { method: 'HEAD' })
    assert.deepEqual([response.status, response.body, response.headers.get('x-accel-buffering')], [200, null, 'no'])
    assert.equal(live, 0)
  })
})
