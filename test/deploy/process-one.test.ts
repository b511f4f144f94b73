/** Process 1 of a container has no default for any signal: what it does not handle is not delivered. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { environment, root } from '../conformance/server.ts'
import { runtimeCommands } from '../fixtures/start.ts'
import { missing } from './files.ts'

const isolated = ['--pid', '--fork', '--kill-child', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])]
const skip = missing('unshare', 'starts a process as number 1 (util-linux)', [...isolated, 'true'])

for (const [runtime, [program, ...args]] of Object.entries(runtimeCommands)) {
  test(`as process 1, ${runtime} drains at SIGTERM`, { skip, timeout: 20_000 }, async (t) => {
    const serve = ['src/cli.ts', 'serve', '--port', '0', '--host', '127.0.0.1', '--report', 'json', '--min-idle', 'off']
    const child = spawn('unshare', [...isolated, program, ...args, ...serve], { cwd: root, env: environment })
    t.after(() => child.kill('SIGKILL'))
    const { value: line = '' } = await createInterface(child.stdout)[Symbol.asyncIterator]().next()
    const slow = fetch(new URL('/slow?ms=600', JSON.parse(line).url))
    await sleep(200)
    const one = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'))
    assert.match(readFileSync(`/proc/${one}/status`, 'utf8'), /^NSpid:.*\t1$/m)
    process.kill(one, 'SIGTERM')
    assert.equal(await (await slow).text(), 'slow\n')
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0)
  })
}
