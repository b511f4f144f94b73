/** The API in code on every engine: `address`, `onListen`, `close()`, `await using`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runtimeCommands } from '../fixtures/start.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

for (const [runtime, [program, ...args]] of Object.entries(runtimeCommands)) {
  for (const engine of ['native', 'hangup']) {
    test(`the API on ${runtime}, engine ${engine}`, { timeout: 60_000 }, async (t) => {
      // It ends by itself: a server that is closed keeps no process alive.
      const { stdout } = await promisify(execFile)(program!, [...args, 'test/runtimes/api-checks.ts', engine], {
        cwd: root,
        timeout: 50_000,
        killSignal: 'SIGKILL',
      })
      const results = stdout.trim().split('\n')
      assert.ok(results.length >= 12, `${results.length} checks ran`)
      for (const line of results) {
        const { name, error } = JSON.parse(line) as { name: string; error: string | null }
        await t.test(name, () => assert.equal(error, null))
      }
    })
  }
}
