import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResponseHead } from '../../http1/head.ts'
import type { Accept, Connect, Transport, TransportEvents } from '../../net/transport.ts'
import type { UpstreamOptions } from '../config/settings/limits.ts'
import type { UpstreamError } from '../errors.ts'
import type { UpstreamConnection } from './connection.ts'
import { Pool } from './pool.ts'
import type { Asker, Want } from './upstream.ts'

const options = {
  upstreamConnectTimeoutMs: 1_000,
  upstreamIdleTimeoutMs: 4_000,
  upstreamMaxConnections: 2,
  upstreamMaxQueued: 2,
  upstreamQueueTimeoutMs: 500,
  upstreamMaxRequestsPerConnection: 0,
  upstreamMaxConnectionAgeMs: 0,
} as UpstreamOptions

/**
 * The upstream's end of a connection, by hand: no socket, so that what happens between two turns
 * can be said exactly.
 */
class FakeTransport implements Transport {
  readonly peer = { address: '127.0.0.1', port: 1, family: 'IPv4' } as const
  unsent = 0
  events!: TransportEvents
  written = ''
  paused = false
  end_: 'open' | 'fin' | 'destroyed' | 'reset' = 'open'
  quiet = true
  /** What `write` returns. */
  takes = true

  write(head: string, body: string | Uint8Array | null): boolean {
    this.written += head + (body === null ? '' : Buffer.from(body as Uint8Array).toString('latin1'))
    return this.takes
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  end(): void {
    this.end_ = 'fin'
  }
  destroy(): void {
    this.end_ = 'destroyed'
  }
  reset(): void {
    this.end_ = 'reset'
  }
  say(text: string): void {
    this.events.feed(Buffer.from(text, 'latin1'))
  }
}

function bench(changes: Partial<UpstreamOptions> = {}) {
  let at = 0
  const surplus: string[] = []
  const transports: FakeTransport[] = []
  const dials: { accept(): void; refuse(error: Error): void }[] = []
  const connect: Connect = (_, accept: Accept, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      dials.push({
        accept() {
          const transport = new FakeTransport()
          transport.events = accept(transport)
          transports.push(transport)
          resolve()
        },
        refuse: reject,
      })
    })
  const to = { host: '127.0.0.1', port: 1 }
  const pool = new Pool(
    to,
    connect,
    { ...options, ...changes },
    () => at,
    (behind) => {
      surplus.push(behind)
    },
  )
  return {
    pool,
    surplus,
    transports,
    dials,
    pass(ms: number) {
      at += ms
      pool.tick(at)
    },
  }
}

class Asked implements Asker, Want {
  readonly told: string[] = []
  readonly preamble: Uint8Array | null = null
  readonly careful: boolean
  fresh = false
  client = 'a'
  gone = false
  connection: UpstreamConnection | null = null
  reads = true

  readonly method: string

  constructor(careful = false, method = 'GET') {
    this.careful = careful
    this.method = method
  }
  onConnection(connection: UpstreamConnection): void {
    this.connection = connection
    connection.send({
      asker: this,
      method: this.method,
      target: '/',
      host: 'a',
      fields: [],
      body: null,
      framing: 'none',
      upgrade: null,
      firstByteTimeoutMs: 2_000,
      readTimeoutMs: 1_000,
    })
  }
  onRefused(error: UpstreamError): void {
    this.told.push(`refused ${error.code}`)
  }
  onInterim({ status }: ResponseHead): void {
    this.told.push(`interim ${status}`)
  }
  onWhole({ status }: ResponseHead, body: Uint8Array | null): void {
    this.told.push(`whole ${status} ${body === null ? '' : Buffer.from(body).toString()}`)
  }
  onHead({ status }: ResponseHead): void {
    this.told.push(`head ${status}`)
  }
  onData(piece: Uint8Array): boolean {
    this.told.push(`data ${Buffer.from(piece).toString()}`)
    return this.reads
  }
  onEnd(trailers: readonly string[]): void {
    this.told.push(`end ${trailers.join()}`)
  }
  onWebSocket(): void {
    this.told.push('websocket')
  }
  onUpgrade(): void {
    this.told.push('upgrade')
  }
  onFailure(error: UpstreamError): void {
    this.told.push(`failed ${error.code}`)
  }
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

async function asked(
  pool: Pool,
  dials: { accept(): void }[],
  careful = false,
  method: 'GET' | 'HEAD' = 'GET',
): Promise<Asked> {
  const want = new Asked(careful, method)
  const before = dials.length
  pool.acquire(want)
  if (dials.length > before) dials.at(-1)!.accept()
  await settle()
  return want
}

describe('a pool', () => {
  it('uses a connection again when its answer is whole', async () => {
    const { pool, dials, transports } = bench()
    const first = await asked(pool, dials)
    transports[0]!.say(ok)
    assert.deepEqual(first.told, ['whole 200 ok'])
    const second = await asked(pool, dials)
    transports[0]!.say(ok)
    assert.deepEqual(second.told, ['whole 200 ok'])
    assert.equal(transports.length, 1)
  })

  it('never uses one again that has bytes beyond its answer', async () => {
    const { pool, dials, transports } = bench()
    const first = await asked(pool, dials)
    transports[0]!.say(`${ok}HTTP/1.1 200 OK\r\n`)
    assert.deepEqual(first.told, ['whole 200 ok'])
    assert.equal(transports[0]!.end_, 'destroyed')
    await asked(pool, dials)
    assert.equal(transports.length, 2)
  })

  it('drops an idle one on which anything comes', async () => {
    const { pool, dials, transports } = bench()
    await asked(pool, dials)
    transports[0]!.say(ok)
    transports[0]!.say('x')
    assert.equal(pool.idle, 0)
    await asked(pool, dials)
    assert.equal(transports.length, 2)
  })

  it('drops an idle one that the runtime knows to be ended', async () => {
    const { pool, dials, transports } = bench()
    await asked(pool, dials)
    transports[0]!.say(ok)
    transports[0]!.quiet = false
    await asked(pool, dials)
    assert.equal(transports.length, 2)
    assert.equal(transports[0]!.end_, 'destroyed')
  })

  it('takes only a connection that was just used for a request that can’t be sent twice', async () => {
    const { pool, dials, transports, pass } = bench()
    await asked(pool, dials, true)
    transports[0]!.say(ok)
    pass(200)
    await asked(pool, dials, true)
    assert.equal(transports.length, 1)
    transports[0]!.say(ok)
    pass(251)
    await asked(pool, dials, true)
    assert.equal(transports.length, 2)
  })

  it('opens a new connection where only that will do, however lately another was used', async () => {
    const { pool, dials, transports } = bench()
    await asked(pool, dials)
    transports[0]!.say(ok)
    const want = new Asked()
    want.fresh = true
    pool.acquire(want)
    dials[1]!.accept()
    await settle()
    transports[1]!.say(ok)
    assert.deepEqual(want.told, ['whole 200 ok'])
  })

  it('makes room for a new one by the oldest idle one', async () => {
    const { pool, dials, transports, pass } = bench({ upstreamMaxConnections: 1 })
    await asked(pool, dials)
    transports[0]!.say(ok)
    pass(300)
    await asked(pool, dials, true)
    assert.equal(transports[0]!.end_, 'destroyed')
    assert.equal(transports.length, 2)
  })

  it('closes an idle one at its limit, or a second before the upstream’s own', async () => {
    const { pool, dials, transports, pass } = bench()
    await asked(pool, dials)
    transports[0]!.say('HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=3\r\nContent-Length: 0\r\n\r\n')
    pass(1_999)
    assert.equal(pool.idle, 1)
    pass(1)
    assert.equal(pool.idle, 0)
    assert.equal(transports[0]!.end_, 'destroyed')
  })

  it('lets what comes above its limit wait, in order, and not for ever', async () => {
    const { pool, dials, transports, pass } = bench({ upstreamMaxConnections: 1 })
    await asked(pool, dials)
    const second = await asked(pool, dials)
    const third = await asked(pool, dials)
    const fourth = await asked(pool, dials)
    assert.deepEqual(fourth.told, ['refused queue-full'])
    transports[0]!.say(ok)
    assert.equal(second.connection !== null, true)
    assert.equal(third.connection, null)
    pass(500)
    assert.deepEqual(third.told, ['refused queue-timeout'])
  })

  it('serves clients that wait in turn, and makes room for one that waits less', async () => {
    const { pool, dials, transports } = bench({ upstreamMaxConnections: 1 })
    await asked(pool, dials)
    const [first, second, other] = [new Asked(), new Asked(), new Asked()]
    other.client = 'b'
    for (const want of [first, second, other]) pool.acquire(want)
    assert.deepEqual(second.told, ['refused queue-full'])
    transports[0]!.say(ok)
    assert.notEqual(first.connection, null)
    transports[0]!.say(ok)
    transports[0]!.say(ok)
    assert.deepEqual([first.told, other.told], [['whole 200 ok'], ['whole 200 ok']])
  })

  it('gives the place of a connection that failed to one that waits', async () => {
    const { pool, dials, transports } = bench({ upstreamMaxConnections: 1 })
    const first = await asked(pool, dials)
    const second = new Asked()
    pool.acquire(second)
    transports[0]!.events.gone()
    assert.deepEqual(first.told, ['failed ended'])
    assert.equal(dials.length, 2)
    dials[1]!.accept()
    await settle()
    transports[1]!.say(ok)
    assert.deepEqual(second.told, ['whole 200 ok'])
  })

  it('waits for a descriptor where this process has none left, and does not blame the upstream', async () => {
    const { pool, dials, transports, pass } = bench()
    const [first, second, third] = [new Asked(), new Asked(), new Asked()]
    const shortage = () => Object.assign(new Error('connect EMFILE'), { code: 'EMFILE', syscall: 'connect' })
    pool.acquire(first)
    dials[0]?.refuse(shortage())
    await settle()
    assert.deepEqual(first.told, ['refused queue-full'], 'nobody could make room for it')
    pool.acquire(second)
    dials[1]?.accept()
    await settle()
    pool.acquire(third)
    dials[2]?.refuse(shortage())
    await settle()
    assert.deepEqual([third.told, pool.queued], [[], 1])
    pass(50)
    dials[3]?.refuse(shortage())
    await settle()
    transports[0]?.say(ok)
    transports[0]?.say(ok)
    assert.deepEqual([second.told, third.told], [['whole 200 ok'], ['whole 200 ok']])
  })

  it('says why it has no connection', async () => {
    const { pool, dials, pass } = bench()
    const refused = new Asked()
    pool.acquire(refused)
    dials[0]!.refuse(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }))
    const untrusted = new Asked()
    pool.acquire(untrusted)
    dials[1]!.refuse(Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))
    await settle()
    const slow = new Asked()
    pool.acquire(slow)
    pass(1_000)
    await settle()
    assert.deepEqual(
      [...refused.told, ...untrusted.told, ...slow.told],
      ['refused connect', 'refused tls', 'refused connect-timeout'],
    )
  })
})

describe('after HEAD', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
  const headOf = (pool: Pool, dials: { accept(): void }[]) => asked(pool, dials, false, 'HEAD')

  it('a connection is not used again until it has been silent for a second', async () => {
    const { pool, dials, transports, pass } = bench({ upstreamMaxConnections: 0 })
    await headOf(pool, dials)
    transports[0]!.say(head)
    pass(999)
    await asked(pool, dials)
    assert.equal(transports.length, 2)
    pass(1)
    await asked(pool, dials)
    assert.equal(transports.length, 2)
  })

  it('an upstream that was silent once is believed a tenth of a second later, if it says a length', async () => {
    const { pool, dials, transports, pass } = bench({ upstreamMaxConnections: 0 })
    await headOf(pool, dials)
    transports[0]!.say(head)
    pass(1_000)
    for (const [said, restMs] of [
      [head, 100],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 1_000],
    ] as const) {
      await headOf(pool, dials)
      transports[0]!.say(said)
      pass(restMs - 1)
      await asked(pool, dials)
      transports.pop()?.say(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      assert.equal(transports.length, 1)
      pass(1)
      await asked(pool, dials)
      assert.equal(transports.length, 1)
      transports[0]!.say(ok)
    }
  })

  it('one that sends a body, with the head or later, is never believed again, and that is said once', async () => {
    for (const [with_, later] of [
      ['ok', ''],
      ['', 'ok'],
    ]) {
      const { pool, dials, transports, pass, surplus } = bench({ upstreamMaxConnections: 0 })
      const first = await headOf(pool, dials)
      transports[0]!.say(head + with_)
      assert.deepEqual(first.told, ['whole 200 '])
      pass(500)
      if (later !== '') transports[0]!.say(later!)
      assert.notEqual(transports[0]!.end_, 'open')
      assert.equal(pool.idle, 0)
      for (let i = 1; i < 3; i++) {
        await headOf(pool, dials)
        transports[i]!.say(head)
        assert.equal(transports[i]!.end_, 'destroyed')
      }
      assert.deepEqual(surplus, ['head'])
    }
  })

  it('a request that can’t be sent twice takes none of them, however silent', async () => {
    const { pool, dials, transports, pass } = bench({ upstreamMaxConnections: 0 })
    await headOf(pool, dials)
    transports[0]!.say(head)
    pass(1_000)
    await headOf(pool, dials)
    transports[0]!.say(head)
    pass(100)
    await asked(pool, dials, true)
    assert.equal(transports.length, 2)
  })

  it('what rests makes room for what waits', async () => {
    const { pool, dials, transports } = bench({ upstreamMaxConnections: 1 })
    await headOf(pool, dials)
    transports[0]!.say(head)
    await headOf(pool, dials)
    assert.deepEqual([transports.length, transports[0]!.end_], [2, 'destroyed'])
    const waiting = new Asked()
    pool.acquire(waiting)
    transports[1]!.say(head)
    dials[2]!.accept()
    await settle()
    transports[2]!.say(ok)
    assert.deepEqual(waiting.told, ['whole 200 ok'])
  })

  it('nothing rests in a pool that is closed', async () => {
    const { pool, dials, transports } = bench()
    await headOf(pool, dials)
    transports[0]!.say(head)
    pool.close()
    assert.deepEqual([pool.finished, transports[0]!.end_], [true, 'destroyed'])
  })
})

describe('after an answer with more behind it', () => {
  for (const [when, with_, later] of [
    ['at once', 'x', ''],
    ['later', '', 'x'],
  ] as const) {
    it(`${when}, connections to that upstream rest a tenth of a second, and none has what can’t be sent twice`, async () => {
      const { pool, dials, transports, pass, surplus } = bench({ upstreamMaxConnections: 0 })
      await asked(pool, dials)
      transports[0]!.say(ok + with_)
      if (later !== '') transports[0]!.say(later)
      assert.notEqual(transports[0]!.end_, 'open')
      await asked(pool, dials)
      transports[1]!.say(ok)
      pass(99)
      await asked(pool, dials)
      assert.equal(transports.length, 3)
      pass(1)
      await asked(pool, dials, true)
      assert.equal(transports.length, 4)
      await asked(pool, dials)
      assert.equal(transports.length, 4)
      assert.deepEqual(surplus, ['answer'])
    })
  }

  it('a 408 before the end of an idle connection is not more than an answer', async () => {
    const { pool, dials, transports, surplus } = bench()
    await asked(pool, dials)
    transports[0]!.say(ok)
    transports[0]!.say('HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n')
    assert.notEqual(transports[0]!.end_, 'open')
    assert.deepEqual(surplus, [])
  })
})

describe('a connection', () => {
  it('waits for the first byte from the last byte of the request on', async () => {
    const { pool, dials, transports, pass } = bench()
    const want = new Asked()
    pool.acquire(want)
    dials[0]!.accept()
    transports[0]!.takes = false
    await settle()
    pass(1_500)
    transports[0]!.events.drained()
    pass(1_999)
    assert.deepEqual(want.told, [])
    pass(1)
    assert.deepEqual(want.told, ['failed first-byte-timeout'])
    assert.equal(transports[0]!.end_, 'reset')
  })

  it('does not count silence in an event stream', async () => {
    const { pool, dials, transports, pass } = bench()
    const want = await asked(pool, dials)
    transports[0]!.say('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n')
    transports[0]!.say('data: 1\n\n')
    pass(60_000)
    transports[0]!.say('data: 2\n\n')
    pass(60_000)
    assert.deepEqual(want.told, ['head 200', 'data data: 1\n\n', 'data data: 2\n\n'])
  })

  it('counts silence inside an answer, but not while nobody reads it', async () => {
    const { pool, dials, transports, pass } = bench()
    const want = await asked(pool, dials)
    transports[0]!.say('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
    pass(999)
    want.reads = false
    transports[0]!.say('abc')
    pass(60_000)
    want.reads = true
    want.connection!.resume()
    pass(1_000)
    assert.deepEqual(want.told, ['head 200', 'data abc', 'failed read-timeout'])
  })

  it('reads again after an answer during whose last bytes it was paused', async () => {
    const { pool, dials, transports } = bench()
    const want = await asked(pool, dials)
    transports[0]!.say('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc')
    want.reads = false
    transports[0]!.say('def')
    assert.equal(transports[0]!.paused, true)
    want.connection!.resume()
    assert.equal(want.told.at(-1), 'end ')
    assert.equal(transports[0]!.paused, false)
    assert.equal(pool.idle, 1)
  })

  it('tells an end before the answer from one inside it, and from the end of an answer without a length', async () => {
    for (const [said, told] of [
      ['', ['failed ended']],
      ['HTTP/1.1 2', ['failed cut-short']],
      ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab', ['head 200', 'data ab', 'failed cut-short']],
      ['HTTP/1.1 200 OK\r\n\r\nab', ['head 200', 'data ab', 'end ']],
    ] as const) {
      const { pool, dials, transports } = bench()
      const want = await asked(pool, dials)
      if (said !== '') transports[0]!.say(said)
      transports[0]!.events.peerEnded()
      assert.deepEqual(want.told, told)
    }
  })

  it('takes no reset for the end of an answer without a length', async () => {
    const { pool, dials, transports } = bench()
    const want = await asked(pool, dials)
    transports[0]!.say('HTTP/1.0 200 OK\r\n\r\nab')
    transports[0]!.events.gone()
    assert.deepEqual(want.told, ['head 200', 'data ab', 'failed cut-short'])
  })

  it('refuses an answer that is framed in two ways, and one that was not asked for', async () => {
    for (const said of [
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17)}${ok}`,
    ]) {
      const { pool, dials, transports } = bench()
      const want = await asked(pool, dials)
      transports[0]!.say(said)
      assert.equal(want.told.at(-1), 'failed bad-answer')
      assert.equal(transports[0]!.end_, 'reset')
      assert.equal(pool.busy, 0)
    }
  })

  it('passes interim answers on, but not 100', async () => {
    const { pool, dials, transports } = bench()
    const want = await asked(pool, dials)
    transports[0]!.say(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${ok}`)
    assert.deepEqual(want.told, ['interim 103', 'whole 200 ok'])
  })

  it('aborts at once when nobody wants the answer', async () => {
    const { pool, dials, transports } = bench()
    const want = await asked(pool, dials)
    want.connection!.abort()
    assert.equal(transports[0]!.end_, 'reset')
    assert.deepEqual(want.told, [])
    assert.equal(pool.busy, 0)
  })
})
