import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { resolvePolicy } from '../policy/resolve.ts'
import { cases } from './cases/index.ts'
import type { Play } from './play.ts'
import { due, span } from './terms.ts'
import { atOnce, nameOf, vocabulary, word } from './word.ts'
import { type Step, words } from './words/index.ts'

const { policy } = resolvePolicy({ layers: [] })
const stepsOf = (id: string) => cases.find((one) => one.id === id)!.steps

test('connections are counted by a case’s data', () => {
  assert.equal(words.connectionsOf(stepsOf('idle-after-response')), 1)
  assert.equal(words.connectionsOf(stepsOf('silent-connect')), 1)
  assert.equal(words.connectionsOf(stepsOf('rst-while-idle')), 2)
  assert.equal(words.connectionsOf(stepsOf('idle-crowd-returned')), 501)
  assert.equal(words.connectionsOf(stepsOf('keep-alive-race')), 151)
})

test('the duration of a case follows from the limits that it waits for', () => {
  const ms = (id: string, of = policy) => words.durationMs(stepsOf(id), { policy: of })
  assert.equal(ms('idle-after-response'), 5_000 + 500 + 150)
  assert.equal(ms('idle-after-response', { ...policy, idleTimeoutMs: 0 }), 0)
  assert.ok(ms('reuse-inside-limit') > 2 * 3_500 + 5_000)
  assert.ok(ms('slow-handler') > 30_000)
  assert.ok(ms('plain-get') < 1_000)
})

test('every wait in a step is in its duration', () => {
  const ms = (...steps: Step[]) => words.durationMs(steps, { policy })
  assert.equal(ms({ h2: [{ settings: 'ack' }], times: 5, everyMs: 100 }), 400)
  assert.equal(ms({ interim: { exactly: [100], within: 700 } }), 700)
  assert.equal(ms({ send: 'x', everyMs: 100, times: 3 }), 200)
  assert.equal(ms({ send: 'x', everyMs: 100, until: 'closed' }), 0)
  assert.equal(ms({ crowd: 3, steps: [{ wait: 100 }, { wait: { part: 0.5, of: 'idleTimeoutMs' } }] }), 2_600)
})

test('every file in words/ is a word, and every word has its file', () => {
  const files = readdirSync(new URL('words', import.meta.url)).map((file) => file.replace(/\.ts$/, ''))
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const lists = ['index', 'list']
  assert.deepEqual(
    files.filter((file) => !lists.includes(file)).toSorted(),
    words.words.map((one) => kebab(nameOf(one))).toSorted(),
  )
})

test('what a word takes beside itself is not the name of another word', () => {
  const names = words.words.map(nameOf)
  for (const { schema } of words.words) {
    const [, ...more] = Object.keys(schema.entries)
    assert.deepEqual(
      more.filter((key) => names.includes(key)),
      [],
    )
  }
})

describe('a step is refused', () => {
  const why = (step: unknown) => {
    const { success, issues = [] } = v.safeParse(words.schema, step)
    assert.equal(success, false)
    return issues[0]?.message ?? ''
  }
  test('with an unknown word, and the nearest is named', () => {
    assert.equal(why({ clsoes: {} }), 'unknown word clsoes; did you mean closes?')
    assert.match(why({ explode: true }), /^unknown word explode; the words: alive, answer, /)
  })
  test('with two words', () => {
    assert.equal(why({ wait: 1, quiet: 1 }), 'a step has one word, and this one has wait and quiet: make each a step')
  })
  test('without a word', () => assert.match(why({}), /^a step has a word: alive, /))
  test('if it is not an object', () => {
    for (const step of [null, 'wait', ['wait'], 5]) assert.equal(why(step), 'a step is an object')
  })
})

test('a word that does not say how long it takes, or where its due date is, does not compile', () => {
  const schema = v.strictObject({ until: due, for: span })
  const complete = word({ schema, run: () => {}, durationMs: atOnce, due: (step) => step.until })
  // @ts-expect-error durationMs is missing
  word({ schema, run: () => {}, due: (step) => step.until })
  // @ts-expect-error due is missing
  word({ schema, run: () => {}, durationMs: atOnce })
  assert.equal(nameOf(complete), 'until')
})

test('a measurement ends with the first step that a limit is due in', async () => {
  const seen: string[] = []
  const said = word({
    schema: v.strictObject({ say: v.string(), until: v.optional(due) }),
    durationMs: atOnce,
    due: ({ until }) => until,
    run: ({ say }) => seen.push(say),
  })
  const steps = [{ say: 'a' }, { say: 'b', until: { by: ['idleTimeoutMs'], from: 'sent' } as const }, { say: 'c' }]
  const play = (measureMs?: number) => ({ target: { measureMs } }) as unknown as Play
  await vocabulary([said]).carryOut(steps as never, play())
  await vocabulary([said]).carryOut(steps as never, play(1_000))
  assert.equal(seen.join(''), 'abcab')
})
