/**
 * The scripts of package.json that run the tests, together: no file is left out, and none runs
 * twice.
 */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }

const cwd = fileURLToPath(new URL('..', import.meta.url))

test('each test file runs in one of the scripts of npm test', () => {
  const names = packageJson.scripts.test.match(/test:\w+/g) ?? []
  const run = names.flatMap((name) => {
    const command = packageJson.scripts[name as 'test:unit']
    return globSync(
      [...command.matchAll(/"([^"]+)"/g)].map(([, pattern = '']) => pattern),
      { cwd },
    )
  })
  const all = globSync('{src,runtimes,scripts,test,bench}/**/*.test.ts', { cwd, exclude: ['**/node_modules/**'] })
  assert.deepEqual(run.toSorted(), all.toSorted())
})
