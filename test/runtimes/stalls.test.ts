/** A process that stood still (SIGSTOP), or whose event loop was blocked by a handler, blames no client for it: on every engine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Listening, runtimeCommands, startListener } from '../fixtures/start.ts'

const limits = { idleTimeoutMs: 2_500, headTimeoutMs: 2_500, bodyTimeoutMs: 2_500, minBodyBytesPerSec: 0 }
const stallMs = 3_000

class Client {
  readonly socket: Socket
  text = ''
  closed = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      this.text += data
    })
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  /** The statuses of so many answers, or of those that came before the end. */
  async statuses(count: number): Promise<readonly string[]> {
    const got = () => Array.from(this.text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status!)
    for (let i = 0; i < 400 && got().length < count && !this.closed; i++) await delay(20)
    return got()
  }
}

const get = 'GET /whoami HTTP/1.1\r\nHost: a\r\n\r\n'
const pieces = 6

const stalls: Readonly<Record<string, (server: Listening) => Promise<void>>> = {
  async 'a blocked loop'({ port }) {
    const blocker = new Client(port)
    await once(blocker.socket, 'connect')
    blocker.socket.write(`GET /block?ms=${stallMs} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  },
  async 'a stopped process'({ child }) {
    child.kill('SIGSTOP')
    setTimeout(() => child.kill('SIGCONT'), stallMs)
  },
}

describe('what comes while there is', { concurrency: 6 }, () => {
  for (const [runtime, command] of Object.entries(runtimeCommands)) {
    for (const engine of ['native', 'hangup']) {
      for (const [stall, begin] of Object.entries(stalls)) {
        test(`${stall} is served by the ${engine} engine on ${runtime}`, async (t) => {
          const server = await startListener(t, command, { engine, ...limits })
          const open = (count: number) => Array.from({ length: count }, () => new Client(server.port))
          const [idle, halves, uploads] = [open(20), open(5), open(5)]
          t.after(() => {
            for (const { socket } of [...idle, ...halves, ...uploads]) socket.destroy()
          })
          for (const { socket } of idle) socket.write(get)
          for (const { socket } of uploads) {
            socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${pieces}\r\n\r\nx`)
          }
          for (const client of idle) assert.deepEqual(await client.statuses(1), ['200'])
          for (const { socket } of halves) socket.write(get.slice(0, 20))
          await delay(200)
          await begin(server)
          await delay(300)
          for (const { socket } of idle) socket.write(get)
          for (const { socket } of halves) socket.write(get.slice(20))
          // The last byte comes when the stall is over.
          const went = uploads.map(async ({ socket }) => {
            for (let i = 1; i < pieces; i++) {
              socket.write('x')
              await delay(stallMs / (pieces - 2))
            }
          })
          const all = async (clients: readonly Client[], each: readonly string[], what: string) => {
            const got = await Promise.all(clients.map((client) => client.statuses(each.length)))
            assert.deepEqual(
              got,
              clients.map(() => each),
              what,
            )
          }
          await all(idle, ['200', '200'], 'idle connections')
          await all(halves, ['200'], 'half heads')
          await Promise.all(went)
          await all(uploads, ['200'], 'uploads')
          // Who has nothing to say is still closed in time.
          await delay(limits.idleTimeoutMs + 700)
          assert.deepEqual(new Set(idle.map(({ closed }) => closed)), new Set([true]))
        })
      }
    }
  }
})
