/** `export default serve(app)` on workerd, as `wrangler dev` runs it. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { startWorker } from '../lib/worker.ts'

const startWithinMs = 30_000

const start = async (t: TestContext, variables: Readonly<Record<string, string>>): Promise<string> =>
  (await startWorker(t, { script: 'test/fixtures/worker.ts', variables })).url

describe('serve() in a Worker’s main module', { concurrency: true, timeout: startWithinMs }, () => {
  test('is under the policy of [vars], and leaves the other variables to the app', async (t) => {
    const url = await start(t, { HANGUP_HANDLER_TIMEOUT: '200ms', GREETING: 'hello' })
    assert.equal(await (await fetch(url)).text(), 'hello\n')
    assert.equal((await fetch(`${url}/stuck`)).status, 503)
  })

  test('does not start with a variable that can’t be held', async (t) => {
    await assert.rejects(start(t, { HANGUP_IDLE_TIMEOUT: '5s' }), /HANGUP_IDLE_TIMEOUT 5s: on Workers/)
  })
})
