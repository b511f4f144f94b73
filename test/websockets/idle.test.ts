/**
 * `webSocketIdleTimeoutMs` on each engine: who answers pings lives, who does not is closed in time.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { encode, opcodes, WebSocketClient } from './frames.ts'

const app = new URL('app.ts', import.meta.url).href
const limitMs = 2_000
/** 10 % or 250 ms, whichever is more; and as much again for a busy machine. */
const lateMs = 500

const pings = ({ frames }: WebSocketClient) => frames.filter(({ opcode }) => opcode === opcodes.ping)

async function upgraded(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient(port).ask()
  assert.ok(await client.until(() => client.switched, 20_000), client.text)
  return client
}

/** Answers each ping as RFC 6455 5.5.3 says. */
async function answering(client: WebSocketClient, forMs: number): Promise<void> {
  const until = performance.now() + forMs
  let answered = 0
  while (performance.now() < until && client.end === 'open') {
    for (const { payload } of pings(client).slice(answered)) client.send(encode({ opcode: opcodes.pong, payload }))
    answered = pings(client).length
    await client.until(() => pings(client).length > answered || client.end !== 'open', until - performance.now())
  }
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('a WebSocket under webSocketIdleTimeoutMs', { concurrency: engines.length }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine} engine: who answers no ping is closed in time, who does or talks lives`, async (t) => {
      const options = { app, engine, webSocketIdleTimeoutMs: limitMs, idleTimeoutMs: 300 }
      const { port, say } = await startListener(t, runtimeCommands[runtime], options)
      const [silent, polite, talking] = await Promise.all([upgraded(port), upgraded(port), upgraded(port)])
      const upgradedAt = performance.now()
      const talk = setInterval(() => talking.send(encode({ opcode: opcodes.text, payload: 'still here' })), 300)
      t.after(() => clearInterval(talk))
      await Promise.all([answering(polite, 2.5 * limitMs), silent.until(() => silent.end !== 'open', 2 * limitMs)])
      const closedAfterMs = silent.endedAt - upgradedAt
      assert.equal(silent.end, 'fin')
      assert.ok(closedAfterMs > limitMs * 0.9 && closedAfterMs < limitMs + lateMs, `${closedAfterMs} ms`)
      assert.ok(pings(silent).length >= 1, 'it was asked')
      assert.equal(silent.closeFrame, undefined)
      assert.equal(polite.end, 'open')
      assert.ok(pings(polite).length >= 3, `${pings(polite).length} pings`)
      assert.equal(talking.end, 'open')
      const { hungUp, webSocketEnds } = await eventually(
        async () => JSON.parse(await say('connections')),
        ({ webSocketEnds }) => webSocketEnds !== undefined,
        5_000,
      )
      assert.deepEqual(webSocketEnds, { idle: 1 })
      assert.deepEqual(hungUp, { webSocketIdleTimeoutMs: 1 })
      for (const client of [polite, talking]) client.destroy()
    })
  }

  test('off, nobody is asked and nobody is closed', async (t) => {
    const { port } = await startListener(t, runtimeCommands.node, { app, engine: 'native' })
    const client = await upgraded(port)
    await sleep(limitMs)
    assert.deepEqual([client.end, client.frames], ['open', []])
    client.destroy()
  })
})
