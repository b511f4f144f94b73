/** A program of one's own ends when its server has been cut, whatever its handlers still wait for. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { headers, preface } from '../fixtures/http2-frames.ts'
import { runtimeCommands, startListener } from '../fixtures/start.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const deno = `${root}node_modules/.bin/deno`

for (const engine of ['native', 'hangup'] as const) {
  test(`${engine}: a handler that never answers does not keep the process`, async () => {
    const program = `
      import { serve } from './runtimes/deno/index.ts'
      const { promise: asked, resolve } = Promise.withResolvers<void>()
      const never = () => { resolve(); return new Promise<Response>(() => {}) }
      const server = await serve(never, { port: 0, host: '127.0.0.1', engine: '${engine}', signals: false })
      const client = await Deno.connect({ port: Number(new URL(server.url).port), hostname: '127.0.0.1' })
      await client.write(new TextEncoder().encode('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'))
      await asked
      server.kill()
      client.close()
      console.log('cut')`
    const { stdout } = await promisify(execFile)(deno, ['eval', '--ext=ts', program], { cwd: root, timeout: 15_000 })
    assert.equal(stdout, 'cut\n')
  })
}

test('native: a drain that cuts a client of HTTP/2 says so, and the process ends well', async (t) => {
  const certificate = {
    cert: readFileSync(`${root}test/fixtures/tls/cert.pem`, 'utf8'),
    key: readFileSync(`${root}test/fixtures/tls/key.pem`, 'utf8'),
  }
  const options = { engine: 'native', drainTimeoutMs: 2_000, tls: { certificates: [certificate] } }
  const { child, port, say } = await startListener(t, runtimeCommands.deno, options)
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  t.after(() => client.destroy())
  client.on('error', () => {}).resume()
  client.write(preface + headers(1, { ':method': 'GET', ':path': '/slow' }), 'latin1')
  while (JSON.parse(await say('connections')).requests === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await say('drain'), '{"cut":1}')
  const exited = once(child, 'exit')
  child.stdin.end()
  assert.deepEqual(await exited, [0, null])
})
