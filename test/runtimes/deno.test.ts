/**
 * `Deno.serve` under the kernel ledger, where the suite does not go: permissions, answers of each
 * kind, no descriptor left.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { exchange, get } from '../lib/client.ts'
import { onAnyPort, withDescriptors } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'

const leastPermissions = ['--no-prompt', '--allow-net', '--allow-ffi', '--allow-env']
const onLinux = { skip: process.platform !== 'linux' && 'the kernel ledger needs Linux' }
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const start = (t: TestContext, permissions: readonly string[], flags: readonly string[], descriptors?: number) => {
  const command = ['deno', 'run', ...permissions, 'runtimes/deno.ts', ...onAnyPort, ...flags]
  return startServer(t, descriptors === undefined ? command : withDescriptors(descriptors, command))
}

/**
 * One request on a connection of its own; resolves when `enough` has come or the connection has
 * ended.
 */
const ask = (port: number, path: string, enough = /\r\n\r\n/): Promise<string> => exchange(port, get(path), enough)

test('three permissions are enough, and it drains with 0', onLinux, async (t) => {
  const { signal, exited, port, report } = await start(t, leastPermissions, [])
  assert.equal(report['engine'], 'Deno.serve')
  assert.match(await ask(port, '/'), /^HTTP\/1\.1 200 OK\r\n/)
  signal('SIGTERM')
  assert.equal((await exited).code, 0)
})

test('without --allow-ffi it is the hangup engine, and the report says why', onLinux, async (t) => {
  const { port, report } = await start(t, ['--no-prompt', '--allow-net', '--allow-env'], [])
  assert.deepEqual([report['engine'], report['engineWhy']], ['hangup', 'the kernel ledger needs --allow-ffi'])
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
    const last = await ask(port, '/last', /(?!)/)
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
  const { child, port } = await start(t, [...leastPermissions, '--allow-read'], flags, 128)
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
