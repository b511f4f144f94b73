import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorLine } from './error-line.ts'

test('an error is one line with its place and its causes', () => {
  const line = errorLine(new Error('outer\nline', { cause: new TypeError('inner') }))
  assert.match(line, /^Error: outer line \(.*error-line\.test\.ts.*\), caused by TypeError: inner \(.*\)$/)
})

test('whatever is thrown is shown', () => {
  assert.equal(errorLine('a\u001b[31mb'), '"a\\u001b[31mb" was thrown')
  assert.equal(errorLine(null), 'null was thrown')
  assert.equal(errorLine(undefined), 'undefined was thrown')
  assert.equal(errorLine(Object.create(null)), 'an error that can not be shown')
  assert.ok(errorLine(new Error('x'.repeat(5_000))).length <= 1_000)
  const loop = new Error('loop')
  loop.cause = loop
  assert.equal(errorLine(loop).split('caused by').length, 4)
})
