/**
 * `maxUpgraded` on each engine: many ask at once, so many are upgraded, and whoever goes makes
 * room.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startGateway } from '../gateway/process.ts'
import { runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { eventually } from '../lib/wait.ts'
import { close, encode, opcodes, WebSocketClient } from './frames.ts'

const app = new URL('app.ts', import.meta.url).href
const maxUpgraded = 3
const asking = 8

async function answered(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient(port).ask()
  await client.until(() => client.text.startsWith('HTTP/1.1 '), 20_000)
  return client
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('WebSockets under maxUpgraded', { concurrency: engines.length }, () => {
  for (const { runtime, engine } of engines) {
    test(`${runtime}, ${engine} engine: one too many gets 503, and the next is taken once one has gone`, async (t) => {
      const { port, say } = await startListener(t, runtimeCommands[runtime], { app, engine, maxUpgraded })
      const clients = await Promise.all(Array.from({ length: asking }, () => answered(port)))
      t.after(() => {
        for (const client of clients) client.destroy()
      })
      const taken = clients.filter(({ switched }) => switched)
      const refused = clients.filter(({ switched }) => !switched)
      assert.equal(taken.length, maxUpgraded)
      for (const { text } of refused) assert.match(text, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1/i)
      const { hungUp } = JSON.parse(await say('connections'))
      assert.deepEqual(hungUp, { maxUpgraded: asking - maxUpgraded })
      // Other requests are answered.
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
      for (const client of taken) client.send(encode({ opcode: opcodes.text, payload: 'still here' }))
      for (const client of taken) assert.ok(await client.until(() => client.frames.length > 0, 5_000))
      taken[0]!.send(encode(close(1000)))
      await taken[0]!.over(5_000)
      const next = await eventually(
        async () => {
          const client = await answered(port)
          clients.push(client)
          return client
        },
        ({ switched }) => switched,
        3_000,
      )
      assert.ok(next.switched, next.text)
    })
  }

  for (const runtime of runtimeNames) {
    test(`a gateway on ${runtime}: one too many gets 503, and upgraded connections are counted`, async (t) => {
      const upstream = await startListener(t, runtimeCommands.node, { app, engine: 'native' })
      const flags = ['--max-upgraded', `${maxUpgraded}`, '--admin', '0']
      const { port, report } = await startGateway(t, runtime, [upstream], flags)
      const clients = await Promise.all(Array.from({ length: asking }, () => answered(port)))
      const taken = clients.filter(({ switched }) => switched)
      assert.equal(taken.length, maxUpgraded)
      const metrics = await (await fetch(new URL('metrics', report['admin']))).text()
      assert.match(metrics, /^hangup_limits_enforced_total\{.*option="maxUpgraded".*\} 5$/m)
      assert.match(metrics, /^hangup_connections\{.*state="upgraded".*\} 3$/m)
      for (const client of clients) client.destroy()
    })
  }
})
