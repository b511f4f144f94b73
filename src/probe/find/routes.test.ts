import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Case } from '../case.ts'
import { fillPages, slowestMs, unfitPage } from './routes.ts'

const none = { measured: {} }

test('our own pages keep their query', () => {
  assert.equal(fillPages('GET {slow}?ms={ms} HTTP', { slow: '/slow' }), 'GET /slow?ms={ms} HTTP')
  assert.equal(fillPages('{large}?bytes=16mb {hello}', { large: '/large', hello: '/' }), '/large?bytes=16mb /')
})

test('a foreign page has the amount where its path says', () => {
  const paths = { slow: '/wait/{ms}?x=1', large: '/b?n={bytes}', hello: '/' }
  assert.equal(fillPages('GET {slow}?ms={ms} HTTP', paths, none), 'GET /wait/{ms}?x=1 HTTP')
  assert.equal(fillPages('GET {slow}?ms=20 HTTP', paths, none), 'GET /wait/20?x=1 HTTP')
  assert.equal(fillPages('GET {slow} HTTP', paths, none), 'GET /wait/0?x=1 HTTP')
  assert.equal(fillPages('GET {large}?bytes=16mb HTTP', paths, none), 'GET /b?n=16777216 HTTP')
  assert.equal(fillPages('GET {hello} {host}', paths, none), 'GET / {host}')
})

test('a foreign page without a place for it is asked for as it is', () => {
  assert.equal(fillPages('GET {slow}?ms={ms} HTTP', { slow: '/report' }, none), 'GET /report HTTP')
})

test('a page that the target lacks is left alone', () => {
  assert.equal(fillPages('GET {slow}?ms=20 HTTP', {}, none), 'GET {slow}?ms=20 HTTP')
})

describe('a page of fixed size', () => {
  const theCase = (send: string, ms = 3_000): Case => ({
    id: 'a',
    level: 'must',
    title: '',
    why: '',
    spec: [],
    profile: 'timed',
    steps: [{ send, with: { ms } }],
  })
  const ms = (span: unknown) => span as number
  const slow = { slow: '/report' }

  test('does for a case that wants no more', () => {
    const foreign = { measured: { slow: { ms: 3_100, bytes: 5 } } }
    assert.equal(unfitPage(theCase('GET {slow}?ms={ms} HTTP'), slow, foreign, ms), null)
    assert.equal(slowestMs(foreign), 3_100)
    assert.match(
      unfitPage(theCase('GET {slow}?ms={ms} HTTP', 9_000), slow, foreign, ms) ?? '',
      /^\/report takes 3100 ms, 9000 are needed/,
    )
  })

  test('must be about as large as is wanted', () => {
    const large = (bytes: number) =>
      unfitPage(theCase('GET {large}?bytes=1mb HTTP'), { large: '/f' }, { measured: { large: { ms: 9, bytes } } }, ms)
    assert.equal(large(2 ** 20), null)
    assert.match(large(2 ** 19) ?? '', /has 524288 bytes, about 1048576 are needed/)
    assert.match(large(2 ** 24) ?? '', /write \{bytes\}/)
  })

  test('is no matter if its path has a place for the amount', () => {
    const foreign = { measured: { slow: { ms: 1, bytes: 5 } } }
    assert.equal(unfitPage(theCase('GET {slow}?ms={ms} HTTP'), { slow: '/w/{ms}' }, foreign, ms), null)
  })
})
