import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Seen } from './answer-reader.ts'
import { isLast, wrongWith, wrongWithAny } from './judge.ts'

const seen = (more: Partial<Seen> = {}): Seen => ({
  version: '1.1',
  status: 200,
  reason: 'OK',
  fields: [['x-a', '1']],
  body: Buffer.from('hello'),
  ending: 'whole',
  wrong: null,
  ...more,
})

describe('an answer against what it must be', () => {
  test('status, fields, body and end are each looked at', () => {
    const right = { status: 200, fields: { 'x-a': '1', 'x-b': null }, body: 'hello' }
    assert.equal(wrongWith(seen(), right, false), null)
    assert.match(wrongWith(seen({ status: 500 }), right, false) ?? '', /status 500, not 200/)
    assert.match(wrongWith(seen({ fields: [] }), right, false) ?? '', /x-a: absent/)
    assert.match(
      wrongWith(
        seen({
          fields: [
            ['x-a', '1'],
            ['x-b', ''],
          ],
        }),
        right,
        false,
      ) ?? '',
      /x-b: "", not absent/,
    )
    assert.match(wrongWith(seen({ body: Buffer.from('hell') }), right, false) ?? '', /the body "hell"/)
    assert.match(wrongWith(seen({ ending: 'reset' }), right, false) ?? '', /cut/)
    assert.match(wrongWith(seen({ ending: 'waiting' }), right, false) ?? '', /does not end/)
  })

  test('what must be cut must not look whole, and must end', () => {
    const cut = { status: 200, cut: true, begins: 'hello world' } as const
    assert.equal(wrongWith(seen({ ending: 'reset' }), cut, false), null)
    assert.match(wrongWith(seen(), cut, false) ?? '', /looks whole/)
    assert.match(wrongWith(seen({ ending: 'waiting' }), cut, false) ?? '', /does not end/)
    assert.match(wrongWith(seen({ ending: 'fin', body: Buffer.from('other') }), cut, false) ?? '', /does not begin/)
  })

  test('field lines are compared one by one where a list is wanted', () => {
    const fields: Seen['fields'] = [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ]
    assert.equal(wrongWith(seen({ fields }), { status: 200, fields: { 'set-cookie': ['a', 'b'] } }, false), null)
    assert.notEqual(wrongWith(seen({ fields }), { status: 200, fields: { 'set-cookie': ['b', 'a'] } }, false), null)
    assert.notEqual(wrongWith(seen({ fields }), { status: 200, fields: { 'set-cookie': 'a' } }, false), null)
  })

  test('one of several is enough', () => {
    assert.deepEqual(wrongWithAny(seen(), [{ status: 500 }, { status: 200 }], false), {
      wrong: null,
      right: { status: 200 },
    })
  })

  test('an answer is the last of its connection by its own word, the request’s, or HTTP/1.0', () => {
    assert.equal(isLast(seen(), {}), false)
    assert.equal(isLast(seen({ fields: [['connection', 'Close']] }), {}), true)
    assert.equal(isLast(seen(), { fields: { Connection: 'close' } }), true)
    assert.equal(isLast(seen(), { version: '1.0' }), true)
    assert.equal(isLast(seen({ fields: [['connection', 'keep-alive']] }), { version: '1.0' }), false)
  })
})
