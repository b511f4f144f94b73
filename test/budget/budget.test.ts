/**
 * Descriptors run short: `ulimit -n 256` and more clients than that, on each engine that keeps
 * some. Linux.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type RuntimeName, runtimes } from '../conformance/runtimes.ts'
import { suiteLifetime } from '../lib/program.ts'
import { withDescriptors } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'
import { cpuMsOf } from '../lib/sockets.ts'

const engines: readonly RuntimeName[] = ['node', 'node-hangup', 'bun', 'bun-hangup', 'deno', 'deno-hangup']
/**
 * Its listener ends for want of a descriptor and whoever waits in its queue is reset: a client has
 * to try again.
 */
const resets: readonly RuntimeName[] = ['deno']
const descriptors = 256
const crowd = 1_000
const burst = 2_000
const busyMs = 3_000
/** One comes each time, during the burst and after it. */
const newcomers = 20
const newcomerEveryMs = 100
const withinMs = 3_000
const tryAgainMs = 20
/** Of one core, once the burst is over. */
const mostCpu = 0.2

const own = Number(
  /^Max open files +(\d+)/m.exec(existsSync('/proc') ? readFileSync('/proc/self/limits', 'utf8') : '')?.[1],
)
const skip = own > burst + 200 ? false : `it takes Linux and ${burst + 200} descriptors of one's own (ulimit -n)`

interface Asked {
  /** Null: closed without an answer. */
  readonly status: number | null
  readonly tookMs: number
  readonly socket: Socket
}

/** Asks once, and stays. */
function ask(port: number, path: string): Promise<Asked> {
  const { promise, resolve } = Promise.withResolvers<Asked>()
  const startedAt = performance.now()
  const socket = connect(port, '127.0.0.1')
  const end = (status: number | null) => resolve({ status, tookMs: performance.now() - startedAt, socket })
  let came = ''
  socket.on('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`))
  socket.on('data', (bytes) => {
    came += bytes.toString('latin1')
    if (came.includes('\r\n\r\n')) end(Number(came.split(' ', 2)[1]))
  })
  socket.on('error', () => end(null))
  socket.on('close', () => end(null))
  return promise
}

/** Asks until it is answered, and leaves; resolves with how long it took. */
async function askAgain(port: number, path: string): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const { status, socket } = await ask(port, path)
    socket.destroy()
    const tookMs = performance.now() - startedAt
    if (status === 200 || tookMs > 2 * withinMs) return tookMs
    await delay(tryAgainMs)
  }
}

const answered = (asked: readonly Asked[]) => asked.filter(({ status }) => status === 200).length
const leave = (asked: readonly Asked[]) => {
  for (const { socket } of asked) socket.destroy()
}

describe('descriptors run short', () => {
  for (const name of engines) {
    describe(`${name} under ulimit -n ${descriptors}`, { skip }, () => {
      const suite = suiteLifetime()
      let server: Server
      let port = 0

      before(async () => {
        const { command, listen } = runtimes[name]
        const args = [...command, ...listen(0, 'tcp'), '--app', 'test/fixtures/app.ts']
        server = await startServer(suite, withDescriptors(descriptors, args))
        port = server.port
      })

      test(`${crowd} clients that come one by one, ask once and stay are all answered`, async () => {
        const asked: Asked[] = []
        for (let i = 0; i < crowd; i++) asked.push(await ask(port, '/'))
        assert.equal(answered(asked), crowd)
        leave(asked)
      })

      test(`${burst} at once beside 10 busy handlers: the busy are answered, newcomers soon, and then it rests`, async () => {
        const busy = Array.from({ length: 10 }, () => ask(port, `/slow?ms=${busyMs}`))
        await delay(300)
        const asking = Array.from({ length: burst }, () => ask(port, '/'))
        const coming: Promise<number>[] = []
        for (let i = 0; i < newcomers; i++) {
          coming.push(askAgain(port, '/'))
          await delay(newcomerEveryMs)
        }
        const slowestMs = Math.max(...(await Promise.all(coming)))
        assert.ok(slowestMs < withinMs + 250, `a newcomer was answered after ${Math.round(slowestMs)} ms, if at all`)
        const asked = await Promise.all(asking)
        if (!resets.includes(name)) assert.equal(answered(asked), burst)
        const busyAsked = await Promise.all(busy)
        assert.equal(answered(busyAsked), 10)
        const before = cpuMsOf(server.pid)
        const began = performance.now()
        await delay(1_000)
        const share = (cpuMsOf(server.pid) - before) / (performance.now() - began)
        assert.ok(share < mostCpu, `it takes ${Math.round(share * 100)} % of a core`)
        leave([...asked, ...busyAsked])
      })

      test('after they have left, 100 of 100 requests are answered', async () => {
        await delay(500)
        for (let i = 0; i < 100; i++) {
          const one = await ask(port, '/')
          assert.equal(one.status, 200)
          leave([one])
        }
        assert.equal(server.child.exitCode, null)
      })
    })
  }
})
