import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { optionNames } from '../policy/policy.ts'
import { type Case, checkCases, limitsOf, pathsOf } from './case.ts'
import { cases } from './cases/index.ts'

const good: Case = {
  id: 'a-case',
  level: 'policy',
  title: 'A title',
  why: 'A reason.',
  spec: [],
  profile: 'timed',
  steps: [
    { send: 'GET {slow} HTTP/1.1\r\n\r\n' },
    {
      closes: {
        due: { by: ['idleTimeoutMs'], from: 'received' },
        accept: ['fin', '408 then fin', 'partial 200 then reset'],
      },
    },
  ],
}

describe('a case is refused', () => {
  const refused: Record<string, unknown> = {
    'with an unknown word': { ...good, steps: [{ explode: true }] },
    'with a misspelt word beside a right one': { ...good, steps: [{ send: 'x', evryMs: 10 }] },
    'with an end that is none': {
      ...good,
      steps: [{ closes: { due: { from: 'sent', withinMs: 1 }, accept: ['closed'] } }],
    },
    'with a limit that the policy does not have': { ...good, limits: ['patienceMs'] },
    'with a function in it': { ...good, steps: [() => {}] },
    'without steps': { ...good, steps: [] },
    'without a reason': { ...good, why: undefined },
    'under a profile that nobody knows': { ...good, profile: 'fast' },
    'with an id that is no slug': { ...good, id: 'A case' },
    'if it is none at all': null,
  }
  for (const [what, candidate] of Object.entries(refused)) {
    test(what, () => assert.throws(() => checkCases([candidate]), /malformed cases/))
  }

  test('if its id is taken', () => assert.throws(() => checkCases([good, good]), /a-case: the id is taken/))

  test('if it needs one that does not exist', () => {
    assert.throws(() => checkCases([{ ...good, needs: ['another'] }]), /needs another, which is not a case/)
  })
})

test('a good case is taken as it is', () => assert.deepEqual(checkCases([good]), [good]))

test('the limits and routes of a case are read from its steps', () => {
  assert.deepEqual(limitsOf({ ...good, limits: ['minIdleMs'] }), ['minIdleMs', 'idleTimeoutMs'])
  assert.deepEqual(pathsOf(good), ['slow'])
})

test('every text that is sent names only what a target can fill in', () => {
  const known = new Set<string>(['host', 'hintSec', 'localPort', ...optionNames])
  for (const { id, steps } of cases) {
    const own = new Set(JSON.stringify(steps).match(/(?<="with":\{")\w+/g) ?? [])
    for (const [, word = ''] of JSON.stringify(steps).matchAll(/\{(?:\w+\*)?(\w+)(?:[+-]\d+)?\}/g)) {
      assert.ok(
        known.has(word) || own.has(word) || pathsOf({ steps } as Case).includes(word as never),
        `${id}: {${word}}`,
      )
    }
  }
})

test('what an RFC is said to ask for, an RFC is named for', () => {
  for (const { id, level, spec } of cases) {
    if (level === 'must' || level === 'should')
      assert.ok(
        spec.some((one) => one.startsWith('RFC ')),
        id,
      )
  }
})
