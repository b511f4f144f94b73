/**
 * A WebSocket that the application closes, and a client that keeps its end of TCP: nothing stays.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { type Listening, startListener } from '../lib/server.ts'
import { socketsOf } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { close, encode, opcodes, WebSocketClient } from './frames.ts'
import { pleaseClose } from './please-close.ts'

const app = new URL('app.ts', import.meta.url).href
const skip = process.platform !== 'linux' && 'sockets are counted in /proc'

/** Has been sent a close frame; it does not end TCP when the server does. */
async function closed(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient({ port, allowHalfOpen: true }).ask()
  assert.ok(await client.until(() => client.switched, 20_000), client.text)
  client.send(encode({ opcode: opcodes.text, payload: pleaseClose }))
  assert.ok(await client.until(() => client.closeFrame !== undefined, 5_000))
  return client
}

async function assertGone({ pid, say }: Listening, before: number, withinMs: number): Promise<void> {
  const look = async () => {
    const { states } = JSON.parse(await say('connections'))
    return { sockets: socketsOf(pid), states }
  }
  const isNone = ({ sockets, states }: Awaited<ReturnType<typeof look>>) =>
    sockets <= before && Object.keys(states).length === 0
  const seen = await eventually(look, isNone, withinMs)
  assert.ok(isNone(seen), `${JSON.stringify(seen)}, ${before} sockets before`)
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('a WebSocket that the application closes', { concurrency: engines.length }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine} engine: goes, though its client keeps TCP open or does not answer`, {
      skip,
    }, async (t) => {
      const options = { app, engine, webSocketIdleTimeoutMs: 2_500 }
      const server = await startListener(t, runtimeCommands[runtime], options)
      // The listener that Bun has for all of them, too, stays.
      const first = await closed(server.port)
      first.send(encode(close(1000)))
      first.finish()
      await first.over(5_000)
      await sleep(700)
      const before = socketsOf(server.pid)
      const answers = await closed(server.port)
      answers.send(encode(close(1000)))
      await assertGone(server, before, 2_000)
      const silent = await closed(server.port)
      await assertGone(server, before, 4_000)
      for (const client of [answers, silent]) client.destroy()
    })
  }
})
