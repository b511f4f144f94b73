import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../lib/program.ts'

test('wrangler deploy takes the entry of Workers, and what it would send is small', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-workers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { code, stderr } = await run(t, ['wrangler', 'deploy', '--dry-run', '--env=', '--outdir', folder])
  assert.equal(code, 0, stderr)
  const { size } = statSync(join(folder, 'workers-entry.js'))
  // Of 3 MB, compressed, that a Worker may have without paying.
  assert.ok(size < 2 ** 20, `${size} bytes`)
})
