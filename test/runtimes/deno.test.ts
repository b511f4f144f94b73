/** `Deno.serve` under the kernel ledger, where the suite does not go: permissions, answers of each kind, no descriptor left. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'

const deno = 'node_modules/.bin/deno'
const leastPermissions = ['--no-prompt', '--allow-net', '--allow-ffi', '--allow-env']
const onLinux = { skip: process.platform !== 'linux' && 'the kernel ledger needs Linux' }
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Server {
  readonly child: ChildProcess
  readonly port: number
  readonly engine: string
  readonly engineWhy: string
}

async function start(
  t: TestContext,
  permissions: readonly string[],
  flags: readonly string[],
  shell = '',
): Promise<Server> {
  const args = ['run', ...permissions, 'runtimes/deno.ts', '--host', '127.0.0.1', '--port', '0', '--report', 'json']
  const child = spawn('sh', ['-c', `${shell}exec "$0" "$@"`, deno, ...args, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout!)) {
    const { url, engine, engineWhy } = JSON.parse(line)
    return { child, port: Number(new URL(url).port), engine, engineWhy }
  }
  throw new Error('it ended before it listened')
}

/** One request on a connection of its own; resolves when `enough` has come or the connection has ended. */
async function ask(port: number, path: string, enough = /\r\n\r\n/): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    if (enough.test(text)) break
  }
  socket.destroy()
  return text
}

test('three permissions are enough, and it drains with 0', onLinux, async (t) => {
  const { child, port, engine } = await start(t, leastPermissions, [])
  assert.equal(engine, 'Deno.serve')
  assert.match(await ask(port, '/'), /^HTTP\/1\.1 200 OK\r\n/)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('without --allow-ffi it is the hangup engine, and the report says why', onLinux, async (t) => {
  const { port, engine, engineWhy } = await start(t, ['--no-prompt', '--allow-net', '--allow-env'], [])
  assert.deepEqual([engine, engineWhy], ['hangup', 'the kernel ledger needs --allow-ffi'])
  assert.match(await ask(port, '/'), /^HTTP\/1\.1 200 OK\r\n/)
})

test(
  'every kind of answer says Keep-Alive, and says it once; the application’s own Connection stands alone',
  onLinux,
  async (t) => {
    const { port } = await start(t, [...leastPermissions, '--allow-read'], ['--app', 'test/runtimes/deno-app.ts'])
    const kinds = ['text', 'bytes', 'json', 'fields', 'looked-at', 'immutable', 'constant', 'constant', 'stream']
    for (const kind of kinds) {
      for (const path of [`/${kind}`, `/${kind}?ms=20`]) {
        const answer = await ask(port, path)
        assert.deepEqual(answer.match(/^keep-alive: .*$/gim), ['keep-alive: timeout=4'], `${path}: ${answer}`)
      }
    }
    assert.match(await ask(port, '/fields'), /x-a: a\r\n[\s\S]*x-b: b\r\n/)
    assert.match(await ask(port, '/text'), /content-type: text\/plain;charset=UTF-8\r\n/i)
    const last = await ask(port, '/last', /$^/)
    assert.match(last, /connection: close\r\n[\s\S]*last$/i)
    assert.doesNotMatch(last, /keep-alive/i)
  },
)

test('a chunked upload that is streamed back comes back whole, twelve times of twelve', onLinux, async (t) => {
  const { port } = await start(t, [...leastPermissions, '--allow-read'], ['--app', 'test/runtimes/deno-app.ts'])
  const bytes = 300_000
  const echo = async (): Promise<number> => {
    const asked = request({ port, host: '127.0.0.1', path: '/echo', method: 'POST' })
    for (let sent = 0; sent < bytes; sent += 10_000) asked.write('x'.repeat(10_000))
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    let came = 0
    for await (const chunk of answer) came += chunk.length
    return came
  }
  for (let turn = 0; turn < 12; turn++) assert.equal(await echo(), bytes)
})

test('without a descriptor left it lives on: the busy are answered, and so are newcomers', onLinux, async (t) => {
  const flags = ['--app', 'test/runtimes/deno-app.ts']
  const { child, port } = await start(t, [...leastPermissions, '--allow-read'], flags, 'ulimit -n 128; ')
  const busy = Array.from({ length: 5 }, () => ask(port, '/text?ms=3000'))
  await sleep(300)
  const crowd: Socket[] = Array.from({ length: 400 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  const from = performance.now()
  let answered = ''
  while (!answered.startsWith('HTTP/1.1 200') && performance.now() - from < 3_000) {
    await sleep(50)
    answered = await ask(port, '/text').catch(() => '')
  }
  assert.match(answered, /^HTTP\/1\.1 200 OK\r\n/)
  for (const answer of await Promise.all(busy)) assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  for (const socket of crowd) socket.destroy()
  await sleep(500)
  const after = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/text')))
  assert.equal(after.filter((answer) => answer.startsWith('HTTP/1.1 200')).length, 20)
  assert.equal(child.exitCode, null)
})
