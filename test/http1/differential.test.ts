import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { corpus } from './corpus.ts'
import { differences } from './differences.ts'
import { NodeServer, ourOutcome, verdictOf } from './outcome.ts'

const listed = new Map(differences.flatMap((difference) => difference.ids.map((id) => [id, difference] as const)))
const node = new NodeServer()

before(() => node.listen())
after(() => node.close())

test('the corpus has at least 300 distinct requests', () => {
  assert.ok(new Set(Object.values(corpus)).size >= 300)
})

test('a difference is listed once, for a request of the corpus', () => {
  assert.equal(listed.size, differences.flatMap(({ ids }) => ids).length)
  assert.deepEqual(
    [...listed.keys()].filter((id) => !(id in corpus)),
    [],
  )
})

test('we and node:http agree on every request but the listed ones, and differ there as listed', async () => {
  const wrong: string[] = []
  for (const [id, text] of Object.entries(corpus)) {
    const ours = ourOutcome(text)
    const theirs = await node.outcome(text)
    const verdicts = `ours ${verdictOf(ours)}, node ${verdictOf(theirs)}`
    const difference = listed.get(id)
    if (isDeepStrictEqual(ours, theirs)) {
      if (difference) wrong.push(`${id}: listed, but gone (${verdicts})`)
    } else if (!difference) {
      wrong.push(`${id}: not listed: ${verdicts}\n${JSON.stringify(ours)}\n${JSON.stringify(theirs)}`)
    } else if (verdicts !== `ours ${difference.ours}, node ${difference.node}`) {
      wrong.push(`${id}: listed as ours ${difference.ours}, node ${difference.node}, but ${verdicts}`)
    }
  }
  assert.deepEqual(wrong, [])
})
