/**
 * Each example as a user runs it: it answers, closes its idle connection on time, and ends by
 * itself on SIGTERM.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { withoutGevent, withoutGunicorn } from '../gateway/python.ts'
import { freePort } from '../lib/free-port.ts'
import { launch, type Program, startProgram } from '../lib/program.ts'
import { type Command, root } from '../lib/runtimes.ts'
import { createProject, wrangler } from './project.ts'

const idleTimeoutMs = 5_000
const deno = ['deno', 'run', '--allow-net', '--allow-ffi', '--allow-env'] as const
const hangup = ['node', 'node_modules/hangup/dist/src/cli.js'] as const

/** What the examples' page says of each. */
const servers: Readonly<Record<string, Command>> = {
  'hono.ts on Node': ['node', 'hono.ts'],
  'fetch.ts on Node': ['node', 'fetch.ts'],
  'h3.ts on Node': ['node', 'h3.ts'],
  'bun.ts on Bun': ['bun', 'bun.ts'],
  'deno.ts on Deno': [...deno, 'deno.ts'],
}
const withEcho = ['bun.ts on Bun', 'deno.ts on Deno']

const backends = {
  gevent: {
    missing: withoutGevent,
    command: (port: number): Command => with_({ PORT: port }, '/usr/bin/python3', 'gevent/app.py'),
  },
  gunicorn: {
    missing: withoutGunicorn,
    command: (port: number): Command => [
      '/usr/bin/gunicorn',
      '--chdir',
      'gunicorn',
      '--bind',
      `127.0.0.1:${port}`,
      'app:app',
    ],
  },
}

const with_ = (variables: Readonly<Record<string, number>>, ...command: Command): Command => [
  'env',
  ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
  ...command,
]

describe('the examples', { concurrency: true, timeout: 60_000 }, () => {
  let project: ReturnType<typeof createProject>
  before(() => {
    project = createProject()
  })
  after(() => project.remove())

  const start = (t: TestContext, ...command: Command) => startProgram(t, command, { cwd: project.folder })

  for (const [name, command] of Object.entries(servers)) {
    test(name, async (t) => {
      const program = await start(t, ...with_({ PORT: 0 }, ...command))
      const port = portIn(program.line)
      if (withEcho.includes(name)) assert.equal(await echo(port, 'are you there?'), 'are you there?')
      await hangsUp(port)
      await endsOnSigterm(program)
    })
  }

  test('deno-serve.ts under deno serve', async (t) => {
    const port = await freePort()
    const flags = ['--host', '127.0.0.1', '--port', String(port), '--allow-net', '--allow-ffi', '--allow-env']
    const program = await start(t, 'deno', 'serve', ...flags, 'deno-serve.ts')
    await hangsUp(port)
    await endsOnSigterm(program)
  })

  for (const [name, { missing, command }] of Object.entries(backends)) {
    test(`${name} behind the gateway`, { skip: missing }, async (t) => {
      const behind = await freePort()
      launch(t, command(behind), { cwd: project.folder })
      await untilAnswered(behind)
      const to = ['--to', `http://127.0.0.1:${behind}`]
      const program = await start(t, ...hangup, 'gateway', '--host', '127.0.0.1', '--port', '0', ...to)
      const port = portIn(program.line)
      await hangsUp(port)
      await endsOnSigterm(program)
    })
  }

  test('the Worker under wrangler dev', async (t) => {
    const port = await freePort()
    const flags = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0']
    const config = ['--config', 'workers/wrangler.toml', '--show-interactive-dev-session=false']
    const program = await start(t, 'node', wrangler(), 'dev', ...config, ...flags)
    await untilAnswered(port)
    // How long an idle connection lives is the platform's affair, and how wrangler ends is wrangler's.
    program.signal('SIGTERM')
    await program.exited
  })

  test('have no type error', () => {
    execFileSync(`${root}node_modules/.bin/tsc`, ['--project', 'test/examples/tsconfig.json'], {
      cwd: root,
      stdio: 'inherit',
    })
  })
})

const portIn = (line: string): number => Number(/http:\S+:(\d+)/.exec(line)?.[1])

async function untilAnswered(port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    const text = await response?.text()
    if (response?.status === 200) return assert.equal(text, 'hello\n')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** A client that keeps its connection and says nothing more sees its end, at the limit. */
async function hangsUp(port: number): Promise<void> {
  await untilAnswered(port)
  const socket = connect(port, '127.0.0.1')
  const ended = once(socket, 'end')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [answer] = (await once(socket.setEncoding('latin1'), 'data')) as [string]
  const answeredAt = performance.now()
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.match(answer, /^Keep-Alive: timeout=4\r$/im)
  await ended
  const idleMs = performance.now() - answeredAt
  assert.ok(idleMs > idleTimeoutMs - 100 && idleMs < idleTimeoutMs + 2_000, `idle for ${idleMs} ms`)
}

async function echo(port: number, text: string): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`)
  socket.onopen = () => socket.send(text)
  const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
  socket.close()
  return data
}

async function endsOnSigterm(program: Program): Promise<void> {
  program.signal('SIGTERM')
  const { code } = await program.exited
  assert.equal(code, 0, program.stderr())
}
