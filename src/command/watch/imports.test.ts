import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { importedBy } from './imports.ts'

test('all that an app imports is found, in itself and beside it; packages are not', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'hangup-imports-'))
  t.after(() => rm(root, { recursive: true }))
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  await write(
    'app/src/main.ts',
    `import './side.ts'
import { a } from "../lib/a.js"
import b from './b'
import data from './data.json' with { type: 'json' }
import { Hono } from 'hono'
import fs from 'node:fs'
import shared from 'shared'
import inner from '#inner'
export * from './again.ts?v=1'
const later = await import('./later.mjs')
const old = require('./old.cjs')
import './not-there-yet.ts'`,
  )
  await write('app/src/side.ts', "import './main.ts' // a circle")
  await write('app/lib/a.ts', "export { c } from './c/index.ts'; syntax error")
  for (const name of ['lib/c/index.ts', 'src/b.tsx', 'src/data.json', 'src/again.ts', 'src/later.mjs', 'src/old.cjs']) {
    await write(`app/${name}`, '')
  }
  await write('app/src/inner.ts', '')
  await write('app/package.json', '{ "name": "app", "imports": { "#inner": "./src/inner.ts" } }')
  await write('app/node_modules/hono/package.json', '{ "name": "hono", "main": "index.js" }')
  await write('app/node_modules/hono/index.js', '')
  await write('shared/package.json', '{ "name": "shared", "main": "index.js" }')
  await write('shared/index.js', '')
  await symlink(join(root, 'shared'), join(root, 'app/node_modules/shared'))

  const found = await importedBy(join(root, 'app/src/main.ts'))
  const names = found.map((path) => relative(root, path)).sort()
  assert.deepEqual(names, [
    'app/lib/a.ts',
    'app/lib/c/index.ts',
    'app/src/again.ts',
    'app/src/b.tsx',
    'app/src/data.json',
    'app/src/inner.ts',
    'app/src/later.mjs',
    'app/src/main.ts',
    'app/src/not-there-yet.ts',
    'app/src/old.cjs',
    'app/src/side.ts',
    'shared/index.js',
  ])
})
