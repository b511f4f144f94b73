/**
 * A process that stood still (SIGSTOP), or whose event loop was blocked by a handler, blames no
 * client for it: on every engine.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, get } from '../lib/client.ts'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { type Listening, startListener } from '../lib/server.ts'

const limits = { idleTimeoutMs: 2_500, headTimeoutMs: 2_500, bodyTimeoutMs: 2_500, minBodyBytesPerSec: 0 }
const stallMs = 3_000

/** The statuses of so many answers, or of those that came before the end. */
async function statuses(client: Client, count: number): Promise<readonly string[]> {
  await client.answers(count, 8_000)
  return client.statuses
}

const whoami = get('/whoami')
const pieces = 6

const stalls: Readonly<Record<string, (server: Listening) => Promise<void>>> = {
  async 'a blocked loop'({ port }) {
    const blocker = await Client.open(port)
    blocker.send(get(`/block?ms=${stallMs}`, 'Connection: close\r\n'))
  },
  async 'a stopped process'({ signal }) {
    signal('SIGSTOP')
    setTimeout(signal, stallMs, 'SIGCONT')
  },
}

describe('what comes while there is', { concurrency: 6 }, () => {
  for (const runtime of runtimeNames) {
    for (const engine of ['native', 'hangup']) {
      for (const [stall, begin] of Object.entries(stalls)) {
        test(`${stall} is served by the ${engine} engine on ${runtime}`, async (t) => {
          const server = await startListener(t, runtimeCommands[runtime], { engine, ...limits })
          const open = (count: number) => Array.from({ length: count }, () => new Client(server.port))
          const [idle, halves, uploads] = [open(20), open(5), open(5)]
          t.after(() => {
            for (const client of [...idle, ...halves, ...uploads]) client.destroy()
          })
          for (const { socket } of idle) socket.write(whoami)
          for (const { socket } of uploads) {
            socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${pieces}\r\n\r\nx`)
          }
          for (const client of idle) assert.deepEqual(await statuses(client, 1), ['200'])
          for (const { socket } of halves) socket.write(whoami.slice(0, 20))
          await delay(200)
          await begin(server)
          await delay(300)
          for (const { socket } of idle) socket.write(whoami)
          for (const { socket } of halves) socket.write(whoami.slice(20))
          // The last byte comes when the stall is over.
          const went = uploads.map(async ({ socket }) => {
            for (let i = 1; i < pieces; i++) {
              socket.write('x')
              await delay(stallMs / (pieces - 2))
            }
          })
          const all = async (clients: readonly Client[], each: readonly string[], what: string) => {
            const got = await Promise.all(clients.map((client) => statuses(client, each.length)))
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
          assert.deepEqual(new Set(idle.map(({ end }) => end !== 'open')), new Set([true]))
        })
      }
    }
  }
})
