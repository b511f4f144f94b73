/** The same checks under every runtime that the classes serve on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../lib/program.ts'
import { commandOn, runtimeNames } from '../lib/runtimes.ts'

const main = new URL('../../src/http1/web/checks/main.ts', import.meta.url)

for (const runtime of runtimeNames) {
  test(`Request and Response of ours on ${runtime}`, { timeout: 120_000 }, async (t) => {
    const { stdout } = await run(t, commandOn(runtime, fileURLToPath(main)))
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; error: string | null })
    assert.ok(results.length > 50, `${results.length} checks ran`)
    for (const { name, error } of results) await t.test(name, () => assert.equal(error, null))
  })
}
