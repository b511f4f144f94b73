import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { reportVersion } from '../../src/probe/reports/report.ts'
import { launch, run } from '../lib/program.ts'
import { hangupOn, onAnyPort, type RuntimeName, runtimeNames } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'

/** A server that should have ended and did not is a failure, not a wait. */
const within = { timeout: 20_000 }

/** Resolves to its address once the server has said that it listens. */
const served = (t: TestContext, runtime: RuntimeName, ...flags: string[]): Promise<Server> =>
  startServer(t, hangupOn(runtime, 'serve', ...onAnyPort, ...flags))

for (const runtime of runtimeNames) {
  describe(`hangup on ${runtime}`, () => {
    test('drains at SIGTERM and exits 0 when all was answered', within, async (t) => {
      const { signal, exited, url } = await served(t, runtime, '--min-idle', 'off')
      const slow = fetch(new URL('/slow?ms=600', url))
      await sleep(300)
      signal('SIGTERM')
      assert.equal(await (await slow).text(), 'slow\n')
      assert.equal((await exited).code, 0)
    })

    test('exits 1 and says so when a request was cut', within, async (t) => {
      const { signal, exited, url, stderr } = await served(t, runtime, '--drain-timeout', '400ms', '--log', 'text')
      const slow = fetch(new URL('/slow?ms=20000', url)).catch((error: unknown) => error)
      await sleep(300)
      signal('SIGTERM')
      assert.equal((await exited).code, 1)
      assert.ok((await slow) instanceof Error)
      assert.match(stderr(), /drainTimeoutMs cut a request \[DRAIN_CUT\]/)
    })

    test('cuts at a second signal and exits 128 + n', within, async (t) => {
      const { signal, exited, url } = await served(t, runtime)
      const slow = fetch(new URL('/slow?ms=20000', url)).catch((error: unknown) => error)
      await sleep(300)
      signal('SIGTERM')
      await sleep(50)
      signal('SIGINT')
      assert.equal((await exited).code, 130)
      assert.ok((await slow) instanceof Error)
    })

    test('exits 2 with one plain message when it cannot start', within, async (t) => {
      const env = { HANGUP_PORT: 'http' }
      const { code, stderr } = await run(t, hangupOn(runtime, 'serve', '--idle-timeout', '5'), { env })
      assert.equal(code, 2)
      assert.equal(
        stderr,
        'hangup: 2 problems:\n' +
          '  HANGUP_PORT: http is not a port number; accepted: a port number, 0 to 65535\n' +
          '  --idle-timeout: "5" has no unit; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off\n',
      )
    })

    test('exits 2 when the port is taken, without a stack', within, async (t) => {
      const first = await served(t, runtime)
      const second = hangupOn(runtime, 'serve', '--host', '127.0.0.1', '--port', String(first.port))
      const { code, stderr } = await run(t, second)
      assert.equal(code, 2)
      assert.match(stderr, /^hangup: .*(in use|EADDRINUSE)/)
      assert.doesNotMatch(stderr, /\n +at /)
      first.signal('SIGTERM')
      assert.equal((await first.exited).code, 0)
    })

    test('knows its commands', within, async (t) => {
      const { code, stderr } = await run(t, hangupOn(runtime, 'sevre'))
      assert.equal(code, 2)
      assert.match(stderr, /^hangup: there is no command sevre; did you mean serve\?\n\nUsage: hangup <command>/)
    })
  })
}

for (const runtime of runtimeNames) {
  test(
    `a report larger than a pipe takes at once arrives whole on ${runtime}, however late it is read`,
    within,
    async (t) => {
      const { child, exited } = launch(t, hangupOn(runtime, 'compare', 'docs/conformance.json', '--json'))
      await once(child.stdout, 'readable')
      child.stdout.pause()
      await sleep(300)
      child.stdout.resume()
      const { code, stdout, stderr } = await exited
      assert.equal(code, 0, stderr)
      assert.ok(stdout.length > 2 ** 17)
      assert.equal(JSON.parse(stdout).version, reportVersion)
    },
  )
}

test('the server ends with the npm that started it', within, async (t) => {
  const { url, signal, exited } = await startServer(t, ['npm', 'start', '--silent', '--', ...onAnyPort])
  assert.equal((await fetch(url)).status, 200)
  signal('SIGTERM')
  assert.equal((await exited).code, 0)
  await assert.rejects(fetch(url))
})
