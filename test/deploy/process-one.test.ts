/**
 * Process 1 of a container has no default for any signal: what it does not handle is not delivered.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hangupOn, onAnyPort, runtimeNames } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'
import { missing } from './files.ts'

const isolated = ['--pid', '--fork', '--kill-child', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])]
const skip = missing('unshare', 'starts a process as number 1 (util-linux)', [...isolated, 'true'])

for (const runtime of runtimeNames) {
  test(`as process 1, ${runtime} drains at SIGTERM`, { skip, timeout: 20_000 }, async (t) => {
    const serve = hangupOn(runtime, 'serve', ...onAnyPort, '--min-idle', 'off')
    const { url, pid, exited } = await startServer(t, ['unshare', ...isolated, ...serve])
    const slow = fetch(new URL('/slow?ms=600', url))
    await sleep(200)
    const one = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    assert.match(readFileSync(`/proc/${one}/status`, 'utf8'), /^NSpid:.*\t1$/m)
    process.kill(one, 'SIGTERM')
    assert.equal(await (await slow).text(), 'slow\n')
    assert.equal((await exited).code, 0)
  })
}
