/** The API in code on every engine: `address`, `onListen`, `close()`, `await using`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../lib/program.ts'
import { commandOn, runtimeNames } from '../lib/runtimes.ts'

for (const runtime of runtimeNames) {
  for (const engine of ['native', 'hangup']) {
    test(`the API on ${runtime}, engine ${engine}`, { timeout: 60_000 }, async (t) => {
      // It ends by itself: a server that is closed keeps no process alive.
      const { code, stdout, stderr } = await run(t, commandOn(runtime, 'test/runtimes/api-checks.ts', engine))
      assert.equal(code, 0, stderr)
      const results = stdout.trim().split('\n')
      assert.ok(results.length >= 12, `${results.length} checks ran`)
      for (const line of results) {
        const { name, error } = JSON.parse(line) as { name: string; error: string | null }
        await t.test(name, () => assert.equal(error, null))
      }
    })
  }
}
