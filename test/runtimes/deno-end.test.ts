/** A program of one's own ends when its server has been cut, whatever its handlers still wait for. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

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
