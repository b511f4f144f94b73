/**
 * Sockets that systemd opens: with one process and with several, on every runtime, and what is
 * wrong said by name.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { missing } from '../deploy/files.ts'
import { freePort } from '../lib/free-port.ts'
import { type Lifetime, launch, run } from '../lib/program.ts'
import { hangupOn, runtimeNames } from '../lib/runtimes.ts'
import { eventually } from '../lib/wait.ts'
import { childrenOf, engines, isAlive } from './command.ts'

const skip = missing('systemd-socket-activate', 'opens sockets (Debian: systemd)')

/** `systemd-socket-activate` listens, and at the first connection becomes the command. */
async function activated(t: Lifetime, command: readonly string[]) {
  const port = await freePort()
  const server = launch(t, ['systemd-socket-activate', '-l', `127.0.0.1:${port}`, ...command])
  await server.until(/Listening on/)
  return { server, url: `http://127.0.0.1:${port}/` }
}

describe('sockets of systemd', { concurrency: 3, timeout: 120_000, skip }, () => {
  for (const { runtime, engine } of engines) {
    for (const workers of [[], ['--workers', '2']]) {
      test(`${runtime}, ${engine}${workers.length > 0 ? ', two workers' : ''}: the first client is served`, async (t) => {
        const flags = ['test/cluster/app.ts', '--engine', engine, '--log', 'json', ...workers]
        const { server, url } = await activated(t, hangupOn(runtime, 'serve', ...flags))
        assert.match(await (await fetch(url)).text(), /^\d+$/, server.said())
        const wanted = workers.length > 0 ? 2 : 0
        // The first worker may serve before the second is started.
        const running = () => (wanted > 0 ? childrenOf(server.pid) : [])
        const started = await eventually(running, ({ length }) => length === wanted, 10_000)
        assert.equal(started.length, wanted)
        server.signal('SIGTERM')
        assert.equal((await server.exited).code, 0, server.said())
        assert.ok(started.every((each) => !isAlive(each)))
      })
    }
  }

  for (const runtime of runtimeNames) {
    test(`${runtime}: ended with its group before it hears that its first worker serves, it leaves none`, async (t) => {
      const { server, url } = await activated(
        t,
        hangupOn(runtime, 'serve', 'test/cluster/app.ts', '--log', 'json', '--workers', '2'),
      )
      const answer = fetch(url, { headers: { connection: 'close' } })
      await eventually(
        () => childrenOf(server.pid),
        ({ length }) => length > 0,
        10_000,
      )
      // It hears of the worker and of the signal at once, whichever it takes first.
      server.signal('SIGSTOP')
      await answer
      const started = childrenOf(server.pid)
      process.kill(-server.pid, 'SIGTERM')
      server.signal('SIGCONT')
      const { code } = await Promise.race([server.exited, sleep(20_000, { code: 'it stays' }, { ref: false })])
      assert.equal(code, 0, server.said())
      assert.ok(started.every((each) => !isAlive(each)))
    })
  }

  test('a descriptor that is no listening socket is refused by the name of its variable', async (t) => {
    const gateway = hangupOn('bun', 'gateway', '--to', 'http://127.0.0.1:1')
    // The shell is replaced by the command, whose number is that of LISTEN_PID.
    const script = `exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec ${gateway.join(' ')}`
    const { code, stderr } = await run(t, ['sh', '-c', script])
    assert.equal(code, 2)
    assert.match(stderr, /LISTEN_FDS=1: descriptor 3: not a socket but \/dev\/null/)
  })

  test('a gateway takes a socket for each listener, and says how many it needs', async (t) => {
    const port = await freePort()
    const gateway = hangupOn('bun', 'gateway', '--to', 'http://127.0.0.1:1')
    const listen = [port, await freePort()].flatMap((each) => ['-l', `127.0.0.1:${each}`])
    const server = launch(t, ['systemd-socket-activate', ...listen, ...gateway])
    await server.until(/Listening on/)
    await fetch(`http://127.0.0.1:${port}/`).catch(() => {})
    const { code, stderr } = await server.exited
    assert.equal(code, 2)
    assert.match(stderr, /LISTEN_FDS 2: there are 1 listeners \(listen\)/)
  })
})
