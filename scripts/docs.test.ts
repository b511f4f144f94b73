import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Enforced, Enforcement } from '../src/policy/enforcement.ts'
import { optionNames } from '../src/policy/policy.ts'
import { presetNames } from '../src/policy/presets.ts'
import { enforcementTable, policyTable, presetsTable, refresh, refreshFiles, rewrite } from './docs.ts'

const table = (enforced: Enforced): Enforcement =>
  Object.fromEntries(optionNames.map((option) => [option, enforced])) as Enforcement

const rowsOf = (markdown: string) => markdown.split('\n').filter((line) => line.startsWith('|'))

test('the tables have a row for each of their data, with as many cells as the head', () => {
  const enforcement = enforcementTable({
    node: table({ by: 'us', stepMs: 0, how: 'a timer' }),
    'bun|other': table({ by: 'nobody', stepMs: 0, how: 'nothing | yet' }),
  })
  for (const [markdown, count] of [
    [policyTable(), optionNames.length],
    [presetsTable(), presetNames.length],
    [enforcement, optionNames.length],
  ] as const) {
    const rows = rowsOf(markdown)
    assert.equal(rows.length, count + 2)
    const bars = rows.map((row) => row.replaceAll('\\|', '').split('|').length)
    assert.equal(new Set(bars).size, 1, 'a bar in a cell ends it')
  }
  assert.match(enforcement, /^\| `idleTimeoutMs` \| us <sup>1<\/sup> \| \*\*nobody\*\* <sup>2<\/sup> \|$/m)
  assert.match(policyTable(), /^\| `idleTimeoutMs`<br>`--idle-timeout` \| 5s \| Quiet time between two requests/m)
  assert.match(presetsTable(), /^\| `aws-alb` \| .* \| `idleTimeoutMs` 65s \| /m)
})

test('rewrite touches the blocks only, and says which', () => {
  const text = 'a\n<!-- one:begin -->\nold\n<!-- one:end -->\nb\n<!-- two:begin -->\n2\n<!-- two:end -->\n'
  const renderers = { one: () => 'new', two: () => '2' }
  const { text: rewritten, outdated } = rewrite(text, renderers)
  assert.equal(rewritten, text.replace('old', 'new'))
  assert.deepEqual(outdated, [{ block: 'one' }])
  assert.deepEqual(rewrite(rewritten, renderers).outdated, [])
})

test('a block without a renderer or without an end is wrong', () => {
  const { outdated } = rewrite('<!-- a:begin --><!-- a:end --><!-- b:begin -->', { c: () => '' })
  assert.deepEqual(outdated, [
    { block: 'a', wrong: 'no renderer; there are c' },
    { block: 'b', wrong: 'it has no end' },
  ])
})

test('refresh fails on a stale block under check and mends it otherwise', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hangup-docs-'))
  const readme = join(directory, 'README.md')
  const root = pathToFileURL(`${directory}/`)
  const renderers = { policy: policyTable }
  try {
    await writeFile(readme, '<!-- policy:begin -->\n<!-- policy:end -->\n')
    const stale = await refresh(root, renderers, true)
    assert.ok(stale.failed)
    assert.match(stale.lines[0] ?? '', /README\.md: policy: stale/)
    assert.equal((await refresh(root, renderers, false)).failed, false)
    assert.match(await readFile(readme, 'utf8'), /idleTimeoutMs/)
    assert.deepEqual(await refresh(root, renderers, true), { lines: [], failed: false })
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('a file that is generated whole is checked and written as the blocks are', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hangup-docs-'))
  const root = pathToFileURL(`${directory}/`)
  const files = { 'schema.json': () => '{}' }
  try {
    const missing = await refreshFiles(root, files, true)
    assert.ok(missing.failed)
    assert.match(missing.lines[0] ?? '', /schema\.json: stale/)
    assert.equal((await refreshFiles(root, files, false)).failed, false)
    assert.deepEqual(await refreshFiles(root, files, true), { lines: [], failed: false })
    await writeFile(join(directory, 'schema.json'), '{ }')
    assert.ok((await refreshFiles(root, files, true)).failed)
  } finally {
    await rm(directory, { recursive: true })
  }
})
