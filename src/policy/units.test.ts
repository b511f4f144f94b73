import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { format, type Kind, parse } from './units.ts'

const kinds: readonly Kind[] = ['duration', 'bytes', 'rate', 'count']

describe('parse', () => {
  test('reads each unit', () => {
    const cases: [Kind, string, number][] = [
      ['duration', '250ms', 250],
      ['duration', '1.5s', 1_500],
      ['duration', '1.005s', 1_005],
      ['duration', '2m', 120_000],
      ['duration', '2min', 120_000],
      ['duration', '1h', 3_600_000],
      ['bytes', '2gb', 2 ** 31],
      ['bytes', '1MB', 2 ** 20],
      ['bytes', '64k', 65_536],
      ['bytes', '512b', 512],
      ['rate', '240b/s', 240],
      ['rate', '10kb/s', 10_240],
      ['rate', '10kb', 10_240],
      ['count', '100', 100],
    ]
    for (const [kind, text, value] of cases) assert.equal(parse(kind, text), value, text)
  })

  test('takes off and 0 without a unit for every kind', () => {
    for (const kind of kinds) {
      assert.equal(parse(kind, 'off'), 0)
      assert.equal(parse(kind, '0'), 0)
    }
  })

  test('refuses a bare number, because nobody can tell what it counts', () => {
    assert.equal(parse('duration', '5'), '"5" has no unit')
    assert.equal(parse('bytes', '1024'), '"1024" has no unit')
    assert.equal(parse('rate', '240'), '"240" has no unit')
  })

  test('refuses what is no amount, a strange unit, a fraction of the smallest one', () => {
    assert.equal(parse('duration', '-5s'), '"-5s" is not a duration')
    assert.equal(parse('duration', ''), '"" is not a duration')
    assert.equal(parse('duration', '5mb'), '"5mb": mb is not a unit of a duration')
    assert.equal(parse('duration', '0.5ms'), '"0.5ms" is not a whole number of ms')
    assert.equal(parse('count', '1.5'), '"1.5" is not a whole number of things')
  })
})

test('format writes what parse reads back as the same number', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.nat(), (kind, value) => {
      assert.equal(parse(kind, format(kind, value)), value)
    }),
  )
})

test('format takes the largest unit that fits', () => {
  assert.equal(format('duration', 90_000), '90s')
  assert.equal(format('duration', 120_000), '2m')
  assert.equal(format('bytes', 2 ** 30), '1gb')
  assert.equal(format('rate', 240), '240b/s')
  assert.equal(format('duration', 0), 'off')
})
