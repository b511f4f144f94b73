import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { reportVersion } from '../../src/probe/reports/report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const runtimes = {
  node: ['node_modules/.bin/node'],
  bun: ['node_modules/.bin/bun'],
  deno: ['node_modules/.bin/deno', 'run', '-A'],
}

/** Without the variables of whoever runs the tests. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HANGUP_|PORT$)/.test(name)))

/** A server that should have ended and did not is a failure, not a wait. */
const within = { timeout: 20_000 }

const children = new Set<ChildProcess>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

function start([program = '', ...before]: readonly string[], args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const child = spawn(program, [...before, 'src/cli.ts', ...args], { cwd: root, env: { ...env, ...more } })
  children.add(child)
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return { child, err: () => err }
}

async function statusOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode
}

/** Resolves to the address once the server has said that it listens. */
async function listening(child: ReturnType<typeof start>['child']): Promise<string> {
  for await (const line of createInterface(child.stdout)) return JSON.parse(line).url
  throw new Error('it ended before it listened')
}

for (const [runtime, launch] of Object.entries(runtimes)) {
  describe(`hangup on ${runtime}`, () => {
    const serve = async (...flags: string[]) => {
      const { child, err } = start(launch, [
        'serve',
        '--port',
        '0',
        '--host',
        '127.0.0.1',
        '--report',
        'json',
        ...flags,
      ])
      return { child, err, url: await listening(child) }
    }

    test('drains at SIGTERM and exits 0 when all was answered', within, async () => {
      const { child, url } = await serve('--min-idle', 'off')
      const slow = fetch(new URL('/slow?ms=600', url))
      await sleep(300)
      child.kill('SIGTERM')
      assert.equal(await (await slow).text(), 'slow\n')
      assert.equal(await statusOf(child), 0)
    })

    test('exits 1 and says so when a request was cut', within, async () => {
      const { child, url, err } = await serve('--drain-timeout', '400ms', '--log', 'text')
      const slow = fetch(new URL('/slow?ms=20000', url)).catch((error: unknown) => error)
      await sleep(300)
      child.kill('SIGTERM')
      assert.equal(await statusOf(child), 1)
      assert.ok((await slow) instanceof Error)
      assert.match(err(), /drainTimeoutMs cut a request \[DRAIN_CUT\]/)
    })

    test('cuts at a second signal and exits 128 + n', within, async () => {
      const { child, url } = await serve()
      const slow = fetch(new URL('/slow?ms=20000', url)).catch((error: unknown) => error)
      await sleep(300)
      child.kill('SIGTERM')
      await sleep(50)
      child.kill('SIGINT')
      assert.equal(await statusOf(child), 130)
      assert.ok((await slow) instanceof Error)
    })

    test('exits 2 with one plain message when it cannot start', within, async () => {
      const { child, err } = start(launch, ['serve', '--idle-timeout', '5'], { HANGUP_PORT: 'http' })
      assert.equal(await statusOf(child), 2)
      assert.equal(
        err(),
        'hangup: 2 problems:\n' +
          '  HANGUP_PORT: http is not a port number; accepted: a port number, 0 to 65535\n' +
          '  --idle-timeout: "5" has no unit; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off\n',
      )
    })

    test('exits 2 when the port is taken, without a stack', within, async () => {
      const { child: first, url } = await serve()
      const { port } = new URL(url)
      const { child, err } = start(launch, ['serve', '--host', '127.0.0.1', '--port', port])
      assert.equal(await statusOf(child), 2)
      assert.match(err(), /^hangup: .*(in use|EADDRINUSE)/)
      assert.doesNotMatch(err(), /\n +at /)
      first.kill('SIGTERM')
      assert.equal(await statusOf(first), 0)
    })

    test('knows its commands', within, async () => {
      const { child, err } = start(launch, ['sevre'])
      assert.equal(await statusOf(child), 2)
      assert.match(err(), /^hangup: there is no command sevre; did you mean serve\?\n\nUsage: hangup <command>/)
    })
  })
}

for (const [runtime, launch] of Object.entries(runtimes)) {
  test(
    `a report larger than a pipe takes at once arrives whole on ${runtime}, however late it is read`,
    within,
    async () => {
      const { child, err } = start(launch, ['compare', 'docs/conformance.json', '--json'])
      await once(child.stdout, 'readable')
      await sleep(300)
      let out = ''
      for await (const chunk of child.stdout.setEncoding('utf8')) out += chunk
      assert.equal(await statusOf(child), 0, err())
      assert.ok(out.length > 2 ** 17)
      assert.equal(JSON.parse(out).version, reportVersion)
    },
  )
}

test('the server ends with the npm that started it', within, async (t) => {
  const flags = ['--port', '0', '--host', '127.0.0.1', '--report', 'json']
  // A group of its own: what npm leaves behind would have to be found.
  const child = spawn('npm', ['start', '--silent', '--', ...flags], { cwd: root, env, detached: true })
  t.after(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // All of the group is gone.
    }
  })
  const url = await listening(child)
  assert.equal((await fetch(url)).status, 200)
  child.kill('SIGTERM')
  assert.equal(await statusOf(child), 0)
  await assert.rejects(fetch(url))
})
