/**
 * The hangup engine's sockets where the suite does not go: IPv6, the report. Each runtime as a
 * process of its own.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { exchange, get } from '../lib/client.ts'
import { run } from '../lib/program.ts'
import { commandOn, onAnyPort, runtimeNames } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'

const request = get('/', 'Connection: close\r\n')
const start = (t: TestContext, command: readonly string[], ...flags: string[]) =>
  startServer(t, [...command, '--report', 'json', ...flags])

for (const runtime of runtimeNames) {
  const command = commandOn(runtime, `runtimes/${runtime}.ts`)
  describe(`the hangup engine on ${runtime}`, () => {
    test('listens on IPv6', async (t) => {
      const { url } = await start(t, command, '--engine', 'hangup', '--host', '::1', '--port', '0')
      const { hostname, port } = new URL(url)
      assert.equal(hostname, '[::1]')
      assert.match(await exchange({ host: '::1', port: Number(port) }, request), /hello\n$/)
    })

    test('classes that an app takes from the globals while it is loaded take its requests', async (t) => {
      const flags = ['--engine', 'hangup', ...onAnyPort, '--app', 'runtimes/test-classes-app.ts']
      const { url } = await startServer(t, [...command, ...flags])
      const answer = await fetch(url, { method: 'POST', body: 'text' })
      assert.deepEqual([answer.status, await answer.text()], [200, 'POST 2 text,POST 2 text'])
    })

    test('a port in use is refused in one line', async (t) => {
      const { url } = await start(t, command, '--engine', 'hangup', '--host', '127.0.0.1', '--port', '0')
      const { port } = new URL(url)
      const second = [...command, '--engine', 'hangup', '--host', '127.0.0.1', '--port', port]
      const { code, stderr } = await run(t, second)
      assert.equal(code, 2)
      assert.match(
        stderr,
        new RegExp(
          `^hangup: cannot listen on port ${port} of 127\\.0\\.0\\.1: the port is in use; choose another port, or end the server that has it\\n$`,
        ),
      )
    })
  })
}

test('Deno’s native engine is refused where the kernel can’t be asked, with what is missing', async (t) => {
  const args = ['run', '--no-prompt', '--allow-net', '--allow-env', 'runtimes/deno.ts', '--engine', 'native']
  const { code, stderr } = await run(t, ['deno', ...args])
  assert.equal(code, 2)
  assert.match(
    stderr,
    /^hangup: engine \(--engine, HANGUP_ENGINE\) native: .* needs (--allow-ffi|Linux).*; accepted: auto, hangup/m,
  )
})
