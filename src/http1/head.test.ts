import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, serve } from './sink.recording.ts'

function headOf(...lines: string[]) {
  return serve([bytesOf(`GET / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`)]).messages[0]!.head
}

test('get() finds a field in any case', () => {
  const head = headOf('X-One: 1', 'x-two: 2')
  assert.equal(head.get('x-one'), '1')
  assert.equal(head.get('X-TWO'), '2')
  assert.equal(head.get('X-Thr'), null)
})

test('get() joins repeated fields by a comma, cookies by a semicolon', () => {
  const head = headOf('Accept: a', 'ACCEPT: b', 'Cookie: a=1', 'cookie: b=2')
  assert.equal(head.get('accept'), 'a, b')
  assert.equal(head.get('Cookie'), 'a=1; b=2')
})

test('get() tells an empty field from none', () => {
  assert.equal(headOf('X-A:').get('x-a'), '')
})

test('getAll() keeps repeated fields apart', () => {
  assert.deepEqual(headOf('Set-Cookie: a, b', 'x: y', 'set-cookie: c').getAll('Set-Cookie'), ['a, b', 'c'])
  assert.deepEqual(headOf().getAll('set-cookie'), [])
})

test('get() is not taken in by names that begin or end alike, or by values', () => {
  const head = headOf('AX-A: 1', 'X-A-B: 2', 'Y: X-A: 3', 'X_A: 4', '~: 5')
  assert.equal(head.get('x-a'), null)
  assert.equal(head.get('X_A'), '4')
  assert.equal(head.get('x\x7fa'), null)
  assert.equal(head.get(''), null)
  assert.equal(head.get('~'), '5')
  assert.equal(head.get('^'), null)
})

test('a value may have colons in it', () => {
  assert.equal(headOf('X-A: b: c').get('x-a'), 'b: c')
})
