/**
 * A program of one's own ends when its server has been cut, whatever its handlers still wait for.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { headers, preface } from '../lib/http2-frames.ts'
import { run } from '../lib/program.ts'
import { runtimeCommands, tlsTexts } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

for (const engine of ['native', 'hangup'] as const) {
  test(`${engine}: a handler that never answers does not keep the process`, { timeout: 15_000 }, async (t) => {
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
    const { stdout } = await run(t, ['deno', 'eval', '--ext=ts', program])
    assert.equal(stdout, 'cut\n')
  })
}

test('native: a drain that cuts a client of HTTP/2 says so, and the process ends well', async (t) => {
  const options = { engine: 'native', drainTimeoutMs: 2_000, tls: { certificates: [tlsTexts()] } }
  const { port, say, exited, endInput } = await startListener(t, runtimeCommands.deno, options)
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  t.after(() => client.destroy())
  client.on('error', () => {}).resume()
  client.write(preface + headers(1, { ':method': 'GET', ':path': '/slow' }), 'latin1')
  while (JSON.parse(await say('connections')).requests === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await say('drain'), '{"cut":1}')
  endInput()
  assert.equal((await exited).code, 0)
})
