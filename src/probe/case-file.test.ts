import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Problem } from '../policy/problems.ts'
import { parseCases } from './case-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-case-'))
after(() => rmSync(folder, { recursive: true }))

function read(value: unknown) {
  const file = join(folder, 'case.json')
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
  const problems: Problem[] = []
  const own = parseCases([file], '--case', problems)
  return { own, said: problems.map(({ message }) => message.replace(file, 'case.json')) }
}

const send = 'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n'
const good = { id: 'mine', steps: [{ send }, { answer: { status: [200], within: 1_000 } }] }
const withStep = (step: unknown) => read({ id: 'mine', steps: [{ send }, step] }).said

test('a case needs an id and steps alone', () => {
  const { own, said } = read(good)
  assert.deepEqual(said, [])
  const [one] = own
  assert.deepEqual(
    [one?.id, one?.level, one?.title, one?.profile, one?.steps.length],
    ['mine', 'must', 'mine', 'timed', 2],
  )
})

test('a file may have several cases, which may need each other and those of the suite', () => {
  const { own, said } = read([good, { ...good, id: 'other', needs: ['mine', 'plain-get'] }])
  assert.deepEqual(said, [])
  assert.deepEqual(
    own.map(({ id }) => id),
    ['mine', 'other'],
  )
})

describe('a mistake is told with its place and the fix:', () => {
  const cases: Record<string, readonly [unknown, RegExp]> = {
    'a word that does not exist': [
      { clsoes: {} },
      /^--case case\.json: steps\[1\]: unknown word clsoes; did you mean closes\?$/,
    ],
    'a misspelt key': [
      { send: 'x', evryMs: 10 },
      /^--case case\.json: steps\[1\]: unknown key evryMs; did you mean everyMs\?$/,
    ],
    'a missing key': [{ received: 5 }, /^--case case\.json: steps\[1\]\.within: it is missing$/],
    'a limit that does not exist': [
      { closes: { due: { by: ['idelTimeoutMs'], from: 'sent' }, accept: ['fin'] } },
      /^--case case\.json: steps\[1\]\.closes\.due\.by\[0\]: unknown idelTimeoutMs; did you mean idleTimeoutMs\?$/,
    ],
    'an anchor that does not exist': [
      { closes: { due: { from: 'snet', withinMs: 5 }, accept: ['fin'] } },
      /steps\[1\]\.closes\.due\.from: unknown snet; did you mean sent\?$/,
    ],
    'an end that does not exist': [
      { closes: { due: { from: 'sent', withinMs: 5 }, accept: ['closed'] } },
      /steps\[1\]\.closes\.accept\[0\]: expected an outcome: "fin", "408 then fin", …$/,
    ],
    'a time without a form': [{ wait: '5s' }, /steps\[1\]\.wait: expected a time: milliseconds, \{"outlive"/],
    'a misspelt placeholder': [
      { send: 'GET {helo} HTTP/1.1' },
      /steps\[1\]\.send: unknown placeholder \{helo\}; did you mean \{?hello/,
    ],
    'a time that no timer counts': [{ wait: 1e12 }, /steps\[1\]\.wait: expected at most a day$/],
    'a pattern that is not one': [
      { answer: { status: 'any', within: 5, header: { name: 'a', matches: '(' } } },
      /steps\[1\]\.answer\.header\.matches: expected a regular expression$/,
    ],
    'a step that is a text': ['closes', /steps\[1\]: a step is an object$/],
  }
  for (const [what, [step, said]] of Object.entries(cases)) {
    test(what, () => {
      const all = withStep(step)
      assert.equal(all.length, 1, all.join('\n'))
      assert.match(all[0] ?? '', said)
    })
  }

  test('in a list, the place in the list', () => {
    assert.deepEqual(read([good, { ...good, id: 'other', tile: 'x' }, { id: 'third', steps: [] }]).said, [
      '--case case.json: [1]: unknown key tile; did you mean title?',
      '--case case.json: [2].steps: expected at least one step',
    ])
  })

  test('a file that is not JSON, has no case, or is not there', () => {
    assert.match(read('{').said[0] ?? '', /^--case case\.json: not valid JSON \(.*\); accepted: a case \{"id"/)
    assert.match(read('[]').said[0] ?? '', /^--case case\.json: it has no case; accepted: /)
    assert.match(read('5').said[0] ?? '', /expected Object, got 5/)
    const problems: Problem[] = []
    parseCases([join(folder, 'nowhere.json')], '--case', problems)
    assert.match(problems[0]?.message ?? '', /nowhere\.json: it cannot be read \(ENOENT\)$/)
  })

  test('an id that is taken, and a need that does not exist', () => {
    assert.match(read({ ...good, id: 'plain-get' }).said[0] ?? '', /the id plain-get is taken/)
    assert.match(
      read({ ...good, needs: ['plain-gte'] }).said[0] ?? '',
      /mine needs plain-gte, which is not a case; did you mean plain-get\?/,
    )
    assert.match(read({ ...good, id: 'A case' }).said[0] ?? '', /^--case case\.json: id: expected lower-case letters/)
  })
})

test('braces that are not nearly a placeholder are sent as they are', () => {
  assert.deepEqual(withStep({ send: 'POST / HTTP/1.1\r\n\r\n{"a":{zzzzz}} {quiet}', with: { quiet: 5 } }), [])
})
