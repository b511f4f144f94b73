/** `webSocketCloses` and `webSocketEnds` of `connections()` on each engine: how WebSockets ended. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { close, encode, opcodes, WebSocketClient } from './frames.ts'
import { pleaseClose } from './please-close.ts'

const app = new URL('app.ts', import.meta.url).href

async function upgraded(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient(port).ask()
  assert.ok(await client.until(() => client.switched, 20_000), client.text)
  return client
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('connections() of a server of WebSockets', { concurrency: engines.length }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine} engine: says by which codes they ended, and who ended them`, async (t) => {
      const { port, say } = await startListener(t, runtimeCommands[runtime], { app, engine })
      const summary = async () => JSON.parse(await say('connections'))
      const seen = async () => (await summary()).webSocketCloses
      assert.equal(await seen(), undefined)
      for (const code of [1000, 1000, 4321]) {
        const client = await upgraded(port)
        client.send(encode(close(code, 'goodbye')))
        await client.over(5_000)
      }
      const asked = await upgraded(port)
      asked.send(encode({ opcode: opcodes.text, payload: pleaseClose }))
      await asked.until(() => asked.closeFrame !== undefined, 5_000)
      asked.send(encode(close(1000)))
      await asked.over(5_000)
      const gone = await upgraded(port)
      gone.reset()
      const total = (closes: Record<string, number> = {}) =>
        Object.values(closes).reduce((sum, count) => sum + count, 0)
      const closes = await eventually(seen, (now) => total(now) === 5, 5_000)
      assert.deepEqual(closes, { 1000: 3, 1006: 1, 4321: 1 })
      assert.deepEqual((await summary()).webSocketEnds, { client: 3, application: 1, lost: 1 })
    })
  }
})
