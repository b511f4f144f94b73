/** HTTP/2 on Deno.serve under the kernel ledger, which sees bytes and no frames: with Node's own client. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runtimeCommands, startListener } from '../fixtures/start.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const idleTimeoutMs = 1_000
const headTimeoutMs = 2_000
const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

async function session(t: TestContext, options: SecureClientSessionOptions = {}): Promise<ClientHttp2Session> {
  const tls = { cert: pem('cert'), key: pem('key') }
  const served = { engine: 'native', idleTimeoutMs, headTimeoutMs, tls }
  const { port } = await startListener(t, runtimeCommands.deno, served)
  const client = connect(`https://127.0.0.1:${port}`, { ...options, rejectUnauthorized: false })
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

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
