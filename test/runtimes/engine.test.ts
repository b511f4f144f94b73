/** The hangup engine's sockets where the suite does not go: IPv6, the report. Each runtime as a process of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'

const runtimes = {
  node: ['node_modules/.bin/node', 'runtimes/node.ts'],
  bun: ['node_modules/.bin/bun', 'runtimes/bun.ts'],
  deno: ['node_modules/.bin/deno', 'run', '-A', 'runtimes/deno.ts'],
}

const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

async function start(t: TestContext, [program = '', ...args]: readonly string[], ...flags: string[]) {
  const child: ChildProcess = spawn(program, [...args, '--report', 'json', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout!)) {
    return { child, report: JSON.parse(line) as { url: string; engine: string; engineWhy: string } }
  }
  throw new Error('it ended before it listened')
}

async function ask(at: { port: number; host: string }): Promise<string> {
  const socket = connect(at)
  socket.write(request)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

for (const [runtime, command] of Object.entries(runtimes)) {
  describe(`the hangup engine on ${runtime}`, () => {
    test('listens on IPv6', async (t) => {
      const { report } = await start(t, command, '--engine', 'hangup', '--host', '::1', '--port', '0')
      const { hostname, port } = new URL(report.url)
      assert.equal(hostname, '[::1]')
      assert.match(await ask({ host: '::1', port: Number(port) }), /hello\n$/)
    })

    test('classes that an app takes from the globals while it is loaded take its requests', async (t) => {
      const flags = [
        '--engine',
        'hangup',
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--app',
        'runtimes/test-classes-app.ts',
      ]
      const { report } = await start(t, command, ...flags)
      const answer = await fetch(report.url, { method: 'POST', body: 'text' })
      assert.deepEqual([answer.status, await answer.text()], [200, 'POST 2 text,POST 2 text'])
    })

    test('a port in use is refused in one line', async (t) => {
      const { report } = await start(t, command, '--engine', 'hangup', '--host', '127.0.0.1', '--port', '0')
      const { port } = new URL(report.url)
      const [program = '', ...args] = command
      const second = spawn(program, [...args, '--engine', 'hangup', '--host', '127.0.0.1', '--port', port], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      t.after(() => second.kill('SIGKILL'))
      let err = ''
      second.stderr.on('data', (chunk) => {
        err += chunk
      })
      assert.equal((await once(second, 'close'))[0], 2)
      assert.match(
        err,
        new RegExp(
          `^hangup: cannot listen on port ${port} of 127\\.0\\.0\\.1: the port is in use; choose another port, or end the server that has it\\n$`,
        ),
      )
    })
  })
}

test('Deno’s native engine is refused where the kernel can’t be asked, with what is missing', async () => {
  const [program = ''] = runtimes.deno
  const args = ['run', '--no-prompt', '--allow-net', '--allow-env', 'runtimes/deno.ts', '--engine', 'native']
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  assert.equal((await once(child, 'close'))[0], 2)
  assert.match(
    err,
    /^hangup: engine \(--engine, HANGUP_ENGINE\) native: .* needs (--allow-ffi|Linux).*; accepted: auto, hangup/m,
  )
})
