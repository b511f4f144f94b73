/** `maxHeadBytes` on Bun's own server, where it is a number of the whole process. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { run } from '../lib/program.ts'
import { commandOn } from '../lib/runtimes.ts'

const fixture = 'test/runtimes/bun-head-limit.fixture.ts'
const answersOf = async (t: TestContext, options: readonly object[], ...flags: readonly string[]) => {
  const { stdout } = await run(t, commandOn('bun', ...flags, fixture, JSON.stringify(options)))
  return stdout.trim()
}

test('a server holds its maxHeadBytes whatever the one before it in this process had', async (t) => {
  assert.equal(
    await answersOf(t, [{}, { maxHeadBytes: 4_096 }, {}, { maxHeadBytes: 32_768 }]),
    '200,431,431,431,200,431,200,200',
  )
})

test('a maxHeadBytes that is Bun’s default holds where Bun was started with another', async (t) => {
  assert.equal(await answersOf(t, [{}], '--max-http-header-size=65536'), '200,431')
})
