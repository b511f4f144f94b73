import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { environment, root } from '../conformance/server.ts'

const run = promisify(execFile)

test('wrangler deploy takes the entry of Workers, and what it would send is small', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-workers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await run('wrangler', ['deploy', '--dry-run', '--env=', '--outdir', folder], { cwd: root, env: environment })
  const { size } = statSync(join(folder, 'workers-entry.js'))
  // Of 3 MB, compressed, that a Worker may have without paying.
  assert.ok(size < 2 ** 20, `${size} bytes`)
})
