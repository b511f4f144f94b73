/**
 * A blocked event loop, and a process that was stopped, cost no client its upload: what came
 * meanwhile is read before anybody judges.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../lib/client.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const app = new URL('busy-app.ts', import.meta.url).href
const options = {
  app,
  engine: 'native',
  bodyTimeoutMs: 1_000,
  idleTimeoutMs: 1_000,
  headTimeoutMs: 1_000,
  minIdleMs: 500,
}
const blockedMs = 2_500

/** A byte every 100 ms, for `ms`; resolves to all that was answered. */
async function upload(port: number, ms: number): Promise<string> {
  const bytes = ms / 100
  const client = new Client(port).send(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`)
  for (let sent = 0; sent < bytes && client.text === ''; sent++) {
    await delay(100)
    client.send('x')
  }
  await client.until(() => client.text !== '', 2_000)
  client.destroy()
  return client.text
}

for (const runtime of ['deno', 'bun'] as const) {
  test(`${runtime}: live uploads outlast a blocked event loop and a stopped process`, {
    skip,
    timeout: 30_000,
  }, async (t) => {
    const { port, signal } = await startListener(t, runtimeCommands[runtime], options)
    const uploadAll = () => Promise.all(Array.from({ length: 5 }, () => upload(port, blockedMs + 1_500)))
    const live = uploadAll()
    await delay(500)
    const blocking = fetch(`http://127.0.0.1:${port}/block?ms=${blockedMs}`).then((response) => response.text())
    for (const text of await live) assert.match(text, /^HTTP\/1\.1 200 [\s\S]*40\n$/)
    assert.equal(await blocking, 'ok\n')

    const stopped = uploadAll()
    await delay(500)
    signal('SIGSTOP')
    await delay(blockedMs)
    signal('SIGCONT')
    for (const text of await stopped) assert.match(text, /^HTTP\/1\.1 200 [\s\S]*40\n$/)
  })
}
