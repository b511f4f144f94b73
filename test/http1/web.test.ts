/** The same checks under every runtime that the classes serve on. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const main = fileURLToPath(new URL('../../src/http1/web/checks/main.ts', import.meta.url))
const bin = join(dirname(main), '../../../../node_modules/.bin')
const commands = {
  node: [process.execPath, main],
  bun: [join(bin, 'bun'), main],
  deno: [join(bin, 'deno'), 'run', '-A', main],
} as const

for (const [runtime, [command, ...args]] of Object.entries(commands)) {
  test(`Request and Response of ours on ${runtime}`, { timeout: 120_000 }, async (t) => {
    const { stdout } = await promisify(execFile)(command, args, { timeout: 110_000, killSignal: 'SIGKILL' })
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; error: string | null })
    assert.ok(results.length > 50, `${results.length} checks ran`)
    for (const { name, error } of results) await t.test(name, () => assert.equal(error, null))
  })
}
