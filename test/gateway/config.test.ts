/** A configuration file is read anew on each runtime: what is imported once stays as it was. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../lib/program.ts'

const evaluate = {
  bun: ['-e'],
  deno: ['eval'],
} as const

describe('a configuration file', { concurrency: true }, () => {
  for (const [runtime, args] of Object.entries(evaluate)) {
    test(`is read anew each time on ${runtime} as well`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'hangup-config-'))
      t.after(() => rm(folder, { recursive: true }))
      const path = JSON.stringify(join(folder, 'hangup.config.ts'))
      const module = JSON.stringify(new URL('../../src/gateway/config/read.ts', import.meta.url).href)
      const script = `
        const { writeFile } = await import('node:fs/promises')
        const { readConfig } = await import(${module})
        for (const name of ['a', 'b']) {
          await writeFile(${path}, 'export default { pseudonym: "' + name + '" as string }')
          console.log((await readConfig(${path}, 'file')).pseudonym)
        }`
      const { stdout } = await run(t, [runtime, ...args, script])
      assert.equal(stdout, 'a\nb\n')
    })
  }
})
