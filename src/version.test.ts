import assert from 'node:assert/strict'
import { test } from 'node:test'
import denoJson from '../deno.json' with { type: 'json' }
import packageJson from '../package.json' with { type: 'json' }
import { version } from './version.ts'

test('the version is that of package.json and deno.json', () => {
  assert.equal(version, packageJson.version)
  assert.equal(version, denoJson.version)
})
