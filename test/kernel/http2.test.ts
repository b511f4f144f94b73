/**
 * HTTP/2 on Deno.serve under the kernel ledger, which sees bytes and no frames: with Node's own
 * client.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const idleTimeoutMs = 1_000
const headTimeoutMs = 2_000
const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

async function session(
  t: TestContext,
  options: SecureClientSessionOptions = {},
  more: object = {},
): Promise<ClientHttp2Session> {
  const tls = { cert: pem('cert'), key: pem('key') }
  const served = { engine: 'native', idleTimeoutMs, headTimeoutMs, tls, ...more }
  const { port } = await startListener(t, runtimeCommands.deno, served)
  const client = connect(`https://127.0.0.1:${port}`, { ...options, rejectUnauthorized: false })
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

const app = new URL('busy-app.ts', import.meta.url).href

// Each has a server of its own and mostly waits.
describe('HTTP/2 under the ledger', { concurrency: true }, () => {
  test('an idle session that sends PINGs is closed by its idle limit', { skip, timeout: 20_000 }, async (t) => {
    const client = await session(t)
    const asked = client.request({ ':path': '/whoami' })
    asked.resume()
    const closed = once(client, 'close')
    const askedAt = performance.now()
    await once(asked, 'end')
    const answeredAt = performance.now()
    const pinging = setInterval(() => client.ping(() => {}), 150)
    await closed
    clearInterval(pinging)
    const now = performance.now()
    assert.ok(now - askedAt >= idleTimeoutMs, `after ${now - askedAt} ms`)
    assert.ok(now - answeredAt <= idleTimeoutMs + 500, `${now - answeredAt} ms after its answer`)
  })

  test('a client that opens its window now and then gets all of its answer', { skip, timeout: 30_000 }, async (t) => {
    const client = await session(t, { settings: { initialWindowSize: 16_384 } })
    const stream = client.request({ ':path': '/large' })
    let got = 0
    const beganAt = performance.now()
    for await (const chunk of stream) {
      got += chunk.length
      await delay(300)
    }
    assert.equal(got, 1_000_000)
    assert.ok(performance.now() - beganAt > idleTimeoutMs + headTimeoutMs, 'it was no slow reader')
  })

  for (const path of ['/large?bytes=1000000', '/large-stream?bytes=1000000']) {
    test(`a download that the client pauses is a request in flight: ${path}`, { skip, timeout: 30_000 }, async (t) => {
      const client = await session(t, {}, { app, writeTimeoutMs: 20_000, minResponseBytesPerSec: 0 })
      const stream = client.request({ ':path': path })
      await once(stream, 'response')
      // Node opens the window no further while nobody reads.
      await delay(idleTimeoutMs + headTimeoutMs + 1_000)
      let got = 0
      for await (const chunk of stream) got += chunk.length
      assert.equal(got, 1_000_000)
    })

    test(`the write limit ends a download that stays paused: ${path}`, { skip, timeout: 30_000 }, async (t) => {
      const writeTimeoutMs = 2_000
      const client = await session(t, {}, { app, writeTimeoutMs, minResponseBytesPerSec: 0 })
      client.on('error', () => {})
      const from = performance.now()
      const stream = client.request({ ':path': path }).on('error', () => {})
      await once(stream, 'response')
      await new Promise((resolve) => client.once('close', resolve))
      const tookMs = performance.now() - from
      assert.ok(tookMs >= writeTimeoutMs && tookMs < writeTimeoutMs + 1_000, `after ${Math.round(tookMs)} ms`)
    })
  }
})
