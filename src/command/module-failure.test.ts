import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureDetail, failureLine } from './module-failure.ts'

const withStack = (message: string, stack: string) => Object.assign(new Error(message), { stack })

test('the line ends where the error goes on to its place', () => {
  assert.equal(
    failureLine(new TypeError('Expression expected\n    at file:///app.ts:1:27')),
    'TypeError: Expression expected',
  )
  assert.equal(failureLine('no database'), 'no database')
})

test('a file that Node takes for something else comes with what to do about it', () => {
  const unknown = (extension: string) => new TypeError(`Unknown file extension ".${extension}" for /app.${extension}`)
  for (const extension of ['ts', 'mts'])
    assert.match(failureLine(unknown(extension)), /: TypeScript runs on Node 22.18/)
  for (const extension of ['tsx', 'jsx']) assert.match(failureLine(unknown(extension)), /: Bun and Deno run JSX/)
  assert.doesNotMatch(failureLine(unknown('css')), /runs? /)

  const cjs = '    at wrapSafe (node:internal/modules/cjs/loader:1700:18)'
  const esm = '    at compileSourceTextModule (node:internal/modules/esm/utils:318:16)'
  for (const said of ['Cannot use import statement outside a module', "Unexpected token 'export'"]) {
    assert.match(failureLine(withStack(said, cjs)), /: it is an ES module .* npm pkg set type=module/)
    assert.equal(failureLine(withStack(said, esm)), `Error: ${said}`)
  }
})

test('the detail keeps the frames of the module and drops those of the runtime and of who loaded it', () => {
  const own = new URL('./files.ts', import.meta.url).href
  const stack = [
    'Error: no database',
    '    at connect (file:///app/db.ts:3:9)',
    '    at ModuleJob.run (node:internal/modules/esm/module_job:561:25)',
    '    at async ext:core/mod.js:1:1',
    `    at async loadApp (${own}:57:14)`,
    '    at async file:///elsewhere/cli.ts:55:64',
  ].join('\n')
  const kept = 'Error: no database\n    at connect (file:///app/db.ts:3:9)'
  assert.equal(failureDetail(withStack('no database', stack)), kept)
})

test("the detail is the place where the error has no stack, as Bun's of a module that cannot be parsed", () => {
  const position = { file: '/app.ts', line: 1, column: 4, lineText: 'x: =>' }
  const error = Object.assign(withStack('Unexpected =>', ''), { position })
  assert.equal(failureDetail(error), '/app.ts:1:4\nx: =>\n   ^')
})
