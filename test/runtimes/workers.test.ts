/** `export default serve(app)` on workerd, as `wrangler dev` runs it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { environment, root } from '../conformance/server.ts'

const startWithinMs = 30_000

/** Resolves with the URL, rejects with what wrangler says if the Worker does not start. */
async function start(t: TestContext, variables: Readonly<Record<string, string>>): Promise<string> {
  // Its database has one user at a time.
  const state = mkdtempSync(join(tmpdir(), 'hangup-worker-'))
  const wrangler = [
    'test/node_modules/wrangler/bin/wrangler.js',
    'dev',
    'test/fixtures/worker.ts',
    '--persist-to',
    state,
  ]
  const place = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0', '--show-interactive-dev-session=false']
  const vars = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  const child = spawn('node', [...wrangler, ...place, ...vars], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: wrangler starts workerd, and both must end.
  })
  const closed = once(child, 'close')
  t.after(async () => {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL')
    await closed
    rmSync(state, { recursive: true, force: true })
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let said = ''
  const hear = (text: string) => {
    said += text
    const url = /Ready on (http:\/\/\S+)/.exec(said)?.[1]
    if (/Uncaught|failed to start/.test(said)) setTimeout(() => reject(new Error(said)), 500)
    else if (url !== undefined) resolve(url)
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  closed.then(() => reject(new Error(said)))
  return await promise
}

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
