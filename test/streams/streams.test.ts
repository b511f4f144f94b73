/**
 * Streams and WebSockets that live long, on every engine and through the gateway: what a drain does
 * with them, that quiet ones live, and that no producer outlives its client.
 */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrainResult } from '../../src/lifecycle/drain.ts'
import type { ServeOptions } from '../../src/serve/contract.ts'
import { type RuntimeName, root, tlsFiles, tlsTexts } from '../lib/runtimes.ts'
import { eventually } from '../lib/wait.ts'
import { Client, type StreamsProcess, startStreams } from './process.ts'

const tls = tlsTexts()

/** A server or a gateway of one process, made anew for each check. */
interface Subject {
  readonly name: string
  readonly process: StreamsProcess
  /** Where the producers are. */
  readonly producers: StreamsProcess
  start(options?: ServeOptions): Promise<number>
}

const lastWords = /\nretry: \d{4}\n\n\r\n0\r\n\r\n$/
/** 1001, unmasked. */
const goingAway = '\x88\x02\x03\xe9'

async function watching(port: number, path: string, begun: string | RegExp, method = 'GET'): Promise<Client> {
  const client = new Client(port).ask(path, method)
  await client.has(begun)
  return client
}

const unchunked = (text: string): string => text.replaceAll(/(\r\n)?[\da-f]+\r\n(?=data|retry)/g, '')

async function upgraded(port: number): Promise<Client> {
  const client = new Client(port).upgrade()
  await client.has('\r\n\r\n')
  return client
}

const checks: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  async 'a drain ends event streams and WebSockets in order, and says how many'({ process, producers, start }) {
    const port = await start({ minIdleMs: 100 })
    const events = await watching(port, '/events', 'tick')
    const silent = await watching(port, '/silent', ' 200 ')
    const half = await watching(port, '/half', 'data: a')
    const farewell = await watching(port, '/farewell', 'hello')
    const answer = await watching(port, '/answer', 'data: a', 'POST')
    const [polite] = await Promise.all([upgraded(port)])
    const draining = process.tell<DrainResult>({ drain: port })
    await polite.has(goingAway)
    // What a client sends back is masked.
    polite.socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]))
    const { cut, eventStreams, webSockets } = await draining
    assert.deepEqual([cut, eventStreams, webSockets], [0, { ended: 4, cut: 0 }, { ended: 1, cut: 0 }])
    assert.deepEqual(
      (await Promise.all([events, silent, half, answer, polite].map(({ ended }) => ended))).map(({ end }) => end),
      new Array(5).fill('fin'),
    )
    assert.match(events.text, lastWords)
    assert.match(silent.text, /retry: \d{4}\n\n/)
    // Behind the gateway the application does not drain.
    if (process === producers) assert.match(unchunked(farewell.text), /data: moved\n\nretry: /)
    assert.match(unchunked(half.text), /data: a\ndata: b\n\nretry: /, 'an event that has begun is whole')
    assert.match(answer.text, /data: \[DONE\]\n\n\r\n0\r\n\r\n$/, 'an answer to a POST is not ended')
    assert.doesNotMatch(answer.text, /retry/)
    assert.ok(polite.text.endsWith(goingAway))
  },

  async 'with streams: finish they go on until shortly before drainTimeoutMs'({ process, start }) {
    const port = await start({ streams: 'finish', drainTimeoutMs: 4_000, minIdleMs: 50 })
    const events = await watching(port, '/events', 'tick')
    const draining = process.tell<DrainResult>({ drain: port })
    await sleep(2_000)
    assert.doesNotMatch(events.text, /retry/)
    const { cut, eventStreams } = await draining
    assert.deepEqual([cut, eventStreams, (await events.ended).end], [0, { ended: 1, cut: 0 }, 'fin'])
    assert.match(events.text, lastWords)
  },

  async 'what a drain had to cut is in its result'({ process, start }) {
    const port = await start({ drainTimeoutMs: 500, minIdleMs: 50 })
    const stubborn = await upgraded(port)
    const flood = await watching(port, '/flood', 'aaaa')
    const { cut, webSockets } = await process.tell<DrainResult>({ drain: port })
    assert.equal((await flood.ended).end, 'reset')
    await stubborn.ended
    // Bun's own WebSockets do not wait for the client's answer.
    const stubbornCut = webSockets?.cut ?? 0
    assert.deepEqual([cut, webSockets], [1 + stubbornCut, { ended: 1 - stubbornCut, cut: stubbornCut }])
  },

  async 'their ends are spread over drainSpreadMs'({ process, start }) {
    const port = await start({ drainSpreadMs: 1_000, minIdleMs: 50 })
    const clients = await Promise.all(Array.from({ length: 20 }, () => watching(port, '/silent', ' 200 ')))
    const begun = performance.now()
    const draining = process.tell<DrainResult>({ drain: port })
    const ends = await Promise.all(
      clients.map(async (client) => {
        await client.has('retry')
        return performance.now() - begun
      }),
    )
    assert.deepEqual((await draining).eventStreams, { ended: 20, cut: 0 })
    const spreadMs = Math.max(...ends) - Math.min(...ends)
    assert.ok(spreadMs > 300 && spreadMs < 2_000, `spread over ${Math.round(spreadMs)} ms`)
  },

  async 'a heartbeat comes at once and then again, each as it is sent'({ start }) {
    const beating = await watching(await start(), '/beating', /:\n\n/)
    assert.match(beating.text, /\r\nx-accel-buffering: no\r\n/i)
    await beating.has(/(:\n\n[^:]*){4}$/)
    beating.destroy()
  },

  async 'no producer outlives its client, whenever that goes and however'({ producers, start }) {
    await aborted(producers, await start())
  },

  async 'a stream with an event now and then lives under limits that are shorter'({ start }) {
    const short = {
      idleTimeoutMs: 250,
      writeTimeoutMs: 250,
      bodyTimeoutMs: 250,
      headTimeoutMs: 250,
      minRateGraceMs: 250,
    }
    const port = await start(short)
    const quiet = await watching(port, '/quiet?every=900', ' 200 ')
    await sleep(3_000)
    assert.deepEqual([quiet.end, quiet.text.split('tick').length - 1], ['open', 3])
    quiet.destroy()
  },
}

const routes = ['/events', '/silent', '/flood', '/hono', '/waits', '/beating', 'POST /silent'] as const

/** 240 clients: each goes before the first byte, behind it, or later, some without reading. */
async function aborted(process: StreamsProcess, port: number, secure = false, count = 240): Promise<void> {
  const leave = async (index: number): Promise<void> => {
    const route = routes[index % routes.length]!
    const moment = Math.floor(index / routes.length) % 4
    const client = await Client.open(secure ? { port, tls: {} } : port)
    client.ask(route.replace('POST ', ''), route.startsWith('POST') ? 'POST' : 'GET')
    if (moment === 0) await sleep(Math.random() * 5)
    else if (moment === 1) await Promise.race([client.has('200'), sleep(100)])
    else {
      if (route === '/flood') client.socket.pause()
      await sleep(60 + Math.random() * 60)
    }
    if (index % 2 === 0) client.reset()
    else client.destroy()
  }
  for (let at = 0; at < count; at += 48) await Promise.all(Array.from({ length: 48 }, (_, index) => leave(at + index)))
  const left = await eventually(
    async () => {
      const live = await process.tell<Record<string, number>>({ live: true })
      return Object.entries(live).filter(([, producers]) => producers !== 0)
    },
    ({ length }) => length === 0,
    8_000,
  )
  assert.deepEqual(left, [], 'producers without a client')
}

/** Those that count producers have a process of their own. */
const counting = 'no producer outlives its client, whenever that goes and however'

describe('streams', { concurrency: 3 }, () => {
  for (const runtime of ['node', 'bun', 'deno'] as const)
    test(`on ${runtime}`, { timeout: 120_000, concurrency: 6 }, (t) => streamsOn(runtime, t))
})

async function streamsOn(runtime: RuntimeName, t: TestContext): Promise<void> {
  const shared = startStreams(t, runtime)
  const gateways = startStreams(t, runtime)
  const subjects = [...engines(shared), gatewayBefore(shared, gateways)]
  await Promise.all(
    subjects.flatMap((subject) =>
      Object.entries(checks)
        .filter(([name]) => name !== counting)
        .map(([name, check]) => t.test(`${name}: ${subject.name}`, () => check(subject))),
    ),
  )
  for (const subject of [...engines(startStreams(t, runtime)), gatewayBefore(startStreams(t, runtime), gateways)]) {
    await t.test(`${counting}: ${subject.name}`, () => checks[counting]!(subject))
  }
  await t.test('the same in TLS', async () => {
    for (const engine of ['native', 'hangup'] as const) {
      const own = startStreams(t, runtime)
      await aborted(own, await own.tell({ serve: { engine, tls } }), true, 96)
    }
  })
  await t.test('an application hears of the drain at its beginning', () => told(shared))
  if (runtime !== 'bun')
    await t.test('over HTTP/2 an event stream ends with its last words', () => overHttp2(shared, gateways, runtime))
}

function engines(process: StreamsProcess): Subject[] {
  return (['native', 'hangup'] as const).map((engine) => ({
    name: `engine ${engine}`,
    process,
    producers: process,
    start: (options) => process.tell({ serve: { engine, ...options } }),
  }))
}

/** In a process of its own: it replaces the globals of Fetch. */
function gatewayBefore(producers: StreamsProcess, process: StreamsProcess): Subject {
  return {
    name: 'through the gateway',
    process,
    producers,
    async start({ ...options } = {}) {
      const to = `http://127.0.0.1:${await producers.tell({ serve: { engine: 'hangup' } })}`
      return process.tell({
        gateway: { to, listen: { port: 0, host: '127.0.0.1' }, ...options } as object as { to: string },
      })
    },
  }
}

async function told(process: StreamsProcess): Promise<void> {
  for (const engine of ['native', 'hangup'] as const) {
    const [port, other] = await Promise.all([
      process.tell({ serve: { engine, drainDelayMs: 300, minIdleMs: 50 } }),
      process.tell({ serve: { engine } }),
    ])
    const [client, bystander] = [new Client(port).ask('/told'), new Client(other).ask('/told')]
    await sleep(100)
    const begun = performance.now()
    const draining = process.tell({ drain: port })
    await client.has('draining')
    const tookMs = performance.now() - begun
    assert.ok(tookMs < 250, `told after ${Math.round(tookMs)} ms`)
    await draining
    assert.equal(bystander.text, '', 'the other server of this process does not drain')
    bystander.destroy()
  }
}

async function overHttp2(process: StreamsProcess, gateways: StreamsProcess, runtime: RuntimeName): Promise<void> {
  const ports = [await process.tell({ serve: { engine: 'native', tls, minIdleMs: 50 } })]
  if (runtime === 'node') {
    const to = `http://127.0.0.1:${await process.tell({ serve: { engine: 'hangup' } })}`
    const files = { cert: root + tlsFiles.cert, key: root + tlsFiles.key }
    const listen = {
      port: 0,
      host: '127.0.0.1',
      tls: [files],
      http2: true,
    }
    ports.push(await gateways.tell({ gateway: { to, listen, minIdleMs: 50 } as object as { to: string } }))
  }
  for (const [index, port] of ports.entries()) {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/events' })
    let text = ''
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    while (!text.includes('tick')) await sleep(5)
    const draining = (index === 0 ? process : gateways).tell<DrainResult>({ drain: port })
    await ended
    assert.match(text, /data: tick\n\nretry: \d{4}\n\n$/)
    session.close()
    assert.deepEqual((await draining).eventStreams, { ended: 1, cut: 0 })
  }
}
