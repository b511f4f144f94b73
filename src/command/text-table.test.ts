import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table, wrap } from './text-table.ts'

test('wrap breaks between words, and leaves a word longer than the line whole', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrap('a incomprehensible b', 5), ['a', 'incomprehensible', 'b'])
})

test('table aligns its columns and cuts off what does not fit', () => {
  const rows = [
    ['a', 'bb'],
    ['cccc', 'ddddddd'],
  ]
  assert.deepEqual(table(rows, 80), ['  a     bb', '  cccc  ddddddd'])
  assert.deepEqual(table(rows, 10), ['  a     bb', '  cccc  d…'])
})
