/** What a server and a gateway write for whoever operates them, from outside and on every runtime. */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { environment, root } from '../conformance/server.ts'
import { onEachRuntime } from '../gateway/runtimes.ts'

const programs = {
  node: ['node', 'src/cli.ts'],
  bun: ['bun', 'src/cli.ts'],
  deno: ['deno', 'run', '-A', 'src/cli.ts'],
} as const

const engines = ['native', 'hangup'] as const
const local = ['--host', '127.0.0.1', '--port', '0', '--report', 'json'] as const

interface Server {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly url: string
  readonly out: () => string
  readonly err: () => string
  /** Resolves to the status of its end. */
  stop(): Promise<number | null>
}

async function start(t: TestContext, runtime: keyof typeof programs, ...args: readonly string[]): Promise<Server> {
  const [program, ...before] = programs[runtime]
  const child = spawn(program, [...before, ...args], { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const closed = once(child, 'close')
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      const end = out.indexOf('\n')
      if (end >= 0) resolve(JSON.parse(out.slice(0, end)).url)
    })
    closed.then(([status]) => reject(new Error(`it ended with ${status}: ${err}`)))
  })
  return {
    child,
    url,
    out: () => out,
    err: () => err,
    async stop() {
      child.kill('SIGTERM')
      const [status] = await closed
      return status
    },
  }
}

/** Deno may warn there of something that is not ours. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Deno.serve: '))
    .map((line) => JSON.parse(line))

onEachRuntime('the log', (runtime) => {
  for (const engine of engines) {
    test(`says on ${engine} what a drain waits for and how it ended, in JSON where nobody reads along`, async (t) => {
      const server = await start(t, runtime, 'serve', ...local, '--engine', engine, '--drain-delay', 'off')
      const slow = fetch(new URL('/slow?ms=700', server.url))
      await sleep(300)
      assert.equal(await server.stop(), 0)
      assert.equal((await slow).status, 200)
      const [draining, drained, ...more] = linesOf(server.err())
      assert.deepEqual(more, [])
      assert.equal(draining.message, 'draining: 1 request in flight, a second signal cuts')
      assert.match(drained.message, /^drained in \d\.\d s, 0 cut$/)
      assert.deepEqual(
        [draining.level, draining.code, draining.count, drained.code],
        ['info', 'DRAINING', 1, 'DRAINED'],
      )
      assert.ok(Math.abs(Date.parse(drained.time) - Date.now()) < 5_000, drained.time)
    })
  }

  test('of a gateway is in the form that was asked for', async (t) => {
    const gateway = await start(t, runtime, 'gateway', ...local, '--to', 'http://127.0.0.1:1', '--log', 'text')
    assert.equal(await gateway.stop(), 0)
    assert.match(
      gateway.err(),
      /^hangup: draining: 0 requests in flight, a second signal cuts \[DRAINING\]\nhangup: drained in \d\.\d s, 0 cut \[DRAINED\]\n$/,
    )
  })

  test('ends nothing when its reader is gone', async (t) => {
    const server = await start(t, runtime, 'serve', ...local, '--app', 'test/operate/throws.ts')
    server.child.stderr.destroy()
    for (let i = 0; i < 3; i++) assert.equal((await fetch(server.url)).status, 500)
    server.child.kill('SIGTERM')
    assert.deepEqual(await once(server.child, 'exit'), [0, null])
  })
})

describe('what is wrong is refused', { concurrency: true }, () => {
  test('a form that there is none', async () => {
    const child = spawn('node', ['src/cli.ts', 'serve', '--log', 'jsn'], { cwd: root, env: environment })
    let err = ''
    child.stderr.on('data', (text) => {
      err += text
    })
    const [status] = await once(child, 'close')
    assert.equal(status, 2)
    assert.match(err, /^hangup: --log: .*jsn is not a form of the log; did you mean json\?.*text, json/)
  })
})
