/**
 * Requests that our own closes lose, aimed: a client that answers our FIN with a request has sent
 * it into a connection that is closed. Each is told, of the client that sent it; a client that
 * answers with FIN, with RST, or not at all has lost nothing. Linux.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { LostReading, LostRequest } from '../../src/observe/lost-requests.ts'
import type { LogLine } from '../../src/serve/log.ts'
import { startProgram } from '../lib/program.ts'
import { commandOn, type RuntimeName } from '../lib/runtimes.ts'

const skip = process.platform !== 'linux' && 'it needs Linux'

const idleTimeoutMs = 300
const requests = 1_000
/**
 * Each of these asks for so many, one after the other: the busier the machine, the longer it takes.
 */
const askers = 50
const others = ['fin', 'reset', 'silence'] as const
const ofEachOther = 50
type Answer = 'request' | (typeof others)[number]
/** A request is looked for within a second. Whoever hears of the end so late has not aimed. */
const tooLateMs = 600

interface Said {
  readonly lost: LostReading
  readonly told: readonly LostRequest[]
  readonly lines: readonly LogLine[]
  readonly executed: number
  readonly open: number
  /** Duplicates that are still there. */
  readonly kept: number
}

async function start(t: TestContext, runtime: RuntimeName, engine: string) {
  const args = ['test/operate/lost-server.ts', engine, JSON.stringify({ idleTimeoutMs })]
  const { line, say } = await startProgram(t, commandOn(runtime, ...args), { stdin: true })
  return { port: Number(line), ask: async (line = ''): Promise<Said> => JSON.parse(await say(line)) }
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/**
 * One request that is answered; at the server's FIN the client does as it is told. Returns whether
 * it did so in time.
 */
async function client(port: number, from: string, answer: Answer): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(get)
  await once(socket, 'data')
  const answeredAt = performance.now()
  socket.resume()
  await once(socket, 'end')
  const inTime = performance.now() - answeredAt < idleTimeoutMs + tooLateMs
  if (answer === 'request') socket.write(get)
  else if (answer === 'fin') socket.end()
  else if (answer === 'reset') socket.resetAndDestroy()
  await delay(answer === 'request' ? 10 : 1_100)
  socket.destroy()
  return inTime
}

/**
 * Who sent how many requests that nobody was to execute, by address, and how many of them too late.
 */
async function aim(port: number): Promise<{ readonly sent: ReadonlyMap<string, number>; readonly tooLate: number }> {
  const sent = new Map<string, number>()
  let tooLate = 0
  const ask = async (index: number): Promise<void> => {
    const from = `127.0.${1 + (index % 3)}.${1 + index}`
    sent.set(from, requests / askers)
    for (let count = 0; count < requests / askers; count++) {
      if (!(await client(port, from, 'request'))) tooLate += 1
    }
  }
  const silent = others.flatMap((answer) =>
    Array.from({ length: ofEachOther }, async (_, index) => {
      // Side by side with those that ask, and not all in one moment.
      await delay(index * 50)
      await client(port, `127.0.9.${1 + index}`, answer)
    }),
  )
  await Promise.all([...Array.from({ length: askers }, (_, index) => ask(index)), ...silent])
  // The last ones have their second, too.
  await delay(1_200)
  return { sent, tooLate }
}

const countBy = (keys: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

describe('requests that cross our close of an idle connection', { concurrency: true, skip }, () => {
  for (const runtime of ['node', 'bun', 'deno'] as const) {
    for (const engine of ['native', 'hangup']) {
      test(`${engine} on ${runtime}: of 1,000 each is counted, and none that was not sent`, async (t) => {
        const { port, ask } = await start(t, runtime, engine)
        const before = await ask()
        if (before.lost.source === 'namespace') {
          // Node without an FFI, before 26.9. What the kernel counts, the servers of the other tests share.
          assert.equal(runtime, 'node')
          assert.equal(await client(port, '127.0.0.1', 'request'), true)
          const { lost, executed } = await ask()
          assert.equal(executed, 1)
          assert.ok(lost.total! >= before.lost.total!)
          assert.deepEqual({ ...lost, total: 0 }, { source: 'namespace', total: 0, counts: [], unwatched: 0 })
          return
        }
        const { sent, tooLate } = await aim(port)
        const { lost, told, lines, executed, open, kept } = await ask()
        assert.equal(executed, requests + others.length * ofEachOther, 'the requests before, and no others')
        assert.deepEqual({ open, kept }, { open: 0, kept: 0 })
        assert.equal(lost.source, 'socket')
        assert.equal(lost.unwatched, 0)
        assert.ok(lost.total! <= requests && lost.total! >= requests - tooLate, `${lost.total}, ${tooLate} too late`)
        const found = countBy(told.map(({ peer }) => peer))
        const wrong = [...found].filter(([peer, count]) => count > (sent.get(peer) ?? 0))
        assert.deepEqual(wrong, [], 'the right clients, and each of their requests once')
        const odd = told.filter(
          ({ why, phase, afterMs, waitedMs }) =>
            why !== 'idle' || phase !== 'idle' || afterMs > 1_000 || waitedMs < idleTimeoutMs,
        )
        assert.deepEqual(odd, [])
        const networkOf = (address: string) => `${address.slice(0, address.lastIndexOf('.'))}.0/24`
        assert.deepEqual(
          new Map(lost.counts.map(({ network, count }) => [network, count])),
          countBy(told.map(({ peer }) => networkOf(peer))),
        )
        const said = lines.filter(({ code }) => code === 'REQUEST_LOST')
        assert.ok(said.length >= 1 && said.length <= 60, `${said.length} lines`)
        assert.match(
          said[0]!.message,
          /^127\.0\.\d+\.\d+ sent a request \d+ ms after the idle limit \(300ms\); it was not executed\. /,
        )
      })
    }
  }
})
