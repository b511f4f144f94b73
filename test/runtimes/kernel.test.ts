/** The kernel through the FFI of Deno and Bun, on real sockets. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { run, startProgram } from '../lib/program.ts'
import { root, runtimeCommands } from '../lib/runtimes.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'

async function check(command: readonly string[]) {
  const { code, stdout, stderr } = await run(null, [...command, 'test/runtimes/kernel-check.ts'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

for (const runtime of ['deno', 'bun'] as const) {
  test(`${runtime}: real sockets are seen and ended`, { skip }, async () => {
    const saw = await check(runtimeCommands[runtime])
    assert.deepEqual(saw.listening, { state: 10, keepAlive: true, acceptSilent: true, listen: true })
    assert.equal(saw.local.host, '::')
    const [first, second] = saw.cookies
    assert.ok(first > 0 && second > 0 && first !== second, `cookies ${saw.cookies}`)
    assert.equal(saw.silent.state, 1)
    assert.equal(saw.silent.received + saw.silent.acked + saw.silent.unsent, 0)
    assert.ok(saw.silent.sentAgoMs >= 90, `established ${saw.silent.sentAgoMs} ms ago`)
    assert.deepEqual(saw.armed, [[7], []])
    assert.deepEqual(saw.stirred, [[7], []], 'told of bytes that the runtime has read already, once')
    assert.equal(saw.spoken.received, 5)
    assert.equal(saw.spoken.segmentsIn, 1)
    assert.ok(saw.spoken.receivedAgoMs >= 40 && saw.spoken.receivedAgoMs < saw.silent.sentAgoMs + 5_000)
    assert.ok(saw.said)
    assert.equal(saw.answered.acked, 14)
    assert.deepEqual(saw.ends, ['HTTP/1.1 408', 'FIN', 'ECONNRESET', 'FIN'])
    assert.deepEqual(saw.gone, [0, 0], 'the runtime has closed what was ended')
    assert.deepEqual(saw.vacated, [true, null, 1], 'the number stays taken')
    assert.equal(saw.refusal, 'ECONNREFUSED')
    assert.deepEqual(saw.used, saw.listed)
    assert.equal(saw.count, saw.listed.length)
    assert.ok(!saw.listed.includes(saw.lowestFree))
    assert.ok(saw.limit.soft > 0 && saw.limit.soft <= saw.limit.hard)
    assert.ok(saw.opens >= 3, `${saw.opens} accepted`)
    assert.ok(saw.aborts >= 0)
    assert.equal(saw.status, true)
    assert.equal(saw.nothing, null)
    assert.deepEqual(saw.noSocket, [null, 0])
  })
}

test('deno without --allow-ffi is told what is missing', { skip }, async () => {
  const [program] = runtimeCommands.deno
  assert.deepEqual(await check([program, 'run', '--allow-read', '--allow-env']), {
    why: 'the kernel ledger needs --allow-ffi',
  })
})

test('deno needs no more than its FFI for what /proc says', { skip }, async () => {
  const [program] = runtimeCommands.deno
  const { count, status } = await check([program, 'run', '--allow-net', '--allow-ffi', '--allow-env', '--allow-read'])
  assert.ok(count > 0)
  assert.equal(status, true)
})

const hasTerminals = spawnSync('script', ['--version']).status === 0

test('deno asks nobody at its terminal for a permission that it was not given', {
  skip: skip || (!hasTerminals && 'it needs script(1)'),
}, async (t) => {
  const [program] = runtimeCommands.deno
  const command = `${program} run --allow-net --allow-env --allow-read=${root} test/operate/lost-server.ts hangup {}`
  const { line: first } = await startProgram(t, ['script', '-qec', command, '/dev/null'], {
    stdin: true,
    env: { NO_COLOR: '1' },
  })
  assert.match(first.trim(), /^\d+$/, 'its port')
})
