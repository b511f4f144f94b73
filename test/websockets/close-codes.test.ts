/** `webSocketCloses` of `connections()` on each engine: how WebSockets ended. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { close, encode, WebSocketClient } from './frames.ts'

const app = new URL('app.ts', import.meta.url).href

async function upgraded(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient(port).ask()
  assert.ok(await client.until(() => client.switched, 20_000), client.text)
  return client
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('connections() of a server of WebSockets', { concurrency: engines.length }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine} engine: says by which codes they ended`, async (t) => {
      const { port, say } = await startListener(t, runtimeCommands[runtime], { app, engine })
      const seen = async () => JSON.parse(await say('connections')).webSocketCloses
      assert.equal(await seen(), undefined)
      for (const code of [1000, 1000, 4321]) {
        const client = await upgraded(port)
        client.send(encode(close(code, 'goodbye')))
        await client.over(5_000)
      }
      const gone = await upgraded(port)
      gone.reset()
      const total = (closes: Record<string, number> = {}) =>
        Object.values(closes).reduce((sum, count) => sum + count, 0)
      const closes = await eventually(seen, (now) => total(now) === 4, 5_000)
      assert.deepEqual(closes, { 1000: 2, 1006: 1, 4321: 1 })
    })
  }
})
