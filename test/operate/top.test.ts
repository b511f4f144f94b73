import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { launch, run, suiteLifetime } from '../lib/program.ts'
import { hangupOn, runtimeNames } from '../lib/runtimes.ts'
import { type Operated, serve } from './command-line.ts'
import { onTerminal } from './terminal.ts'

const within = { timeout: 60_000 }

async function idleClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  return socket.resume()
}

describe('hangup top', { ...within, concurrency: true }, () => {
  let server: Operated
  let client: Socket
  const suite = suiteLifetime()
  before(async () => {
    server = await serve(suite, 'node', ['--idle-timeout', '10m', '--engine', 'hangup'])
    client = await idleClient(server.port)
  })
  after(() => {
    client.destroy()
  })

  for (const runtime of runtimeNames) {
    const top = (...more: readonly string[]) => hangupOn(runtime, 'top', '--admin', server.admin, ...more)

    test(`in a pipe it is one table without escapes, or JSON, on ${runtime}`, within, async (t) => {
      const [text, json] = await Promise.all([run(t, top()), run(t, top('--json'))])
      assert.equal(text.code, 0, text.stderr)
      assert.doesNotMatch(text.stdout, /\x1b/)
      assert.match(text.stdout, /connections \d+ +opened \d+ +requests \d+/)
      assert.match(text.stdout, new RegExp(`127\\.0\\.0\\.1:${client.localPort} +idle `))
      const { connections, summary } = JSON.parse(json.stdout)
      assert.equal(summary.engine, 'hangup')
      assert.ok(connections.some(({ peer }: { peer: string }) => peer === `127.0.0.1:${client.localPort}`))
    })

    test(
      `it draws, selects, tells moves, closes by key, and gives the terminal back at q on ${runtime}`,
      within,
      async (t) => {
        const socket = await idleClient(server.port)
        t.after(() => socket.destroy())
        const terminal = onTerminal(t, [120, 30], top(), { NO_COLOR: '1' })
        const drawn = await terminal.until(new RegExp(`${socket.localPort} +idle`))
        assert.ok(terminal.out().includes('\x1b[?1049h\x1b[?25l'), drawn)
        assert.doesNotMatch(drawn, /\x1b\[3\dm/)
        // By peer, the one of the highest port is the last or the last but one; it is found by its mark.
        const mine = new RegExp(`>[^\\n]*${socket.localPort}`)
        terminal.keys('ssss')
        await terminal.until(/sorted by peer/)
        for (let tries = 0; tries < 12; tries++) {
          terminal.keys('j')
          if (mine.test(await terminal.until(/>/))) break
        }
        terminal.keys('w')
        await terminal.until(/the response is out/)
        const closed = once(socket, 'close')
        terminal.keys('c')
        await closed
        terminal.keys('q')
        assert.deepEqual(await terminal.left(), { status: 0, echoes: true, reads_lines: true })
        assert.match(terminal.out(), /\x1b\[\?25h\x1b\[\?1049l$/)
      },
    )

    test(`a signal ends it and gives the terminal back on ${runtime}`, within, async (t) => {
      const statuses = await Promise.all(
        ([2, 15, 'keys'] as const).map(async (how) => {
          const terminal = onTerminal(t, [80, 24], top())
          await terminal.until(/q quit/)
          if (how === 'keys') terminal.keys('\x03')
          else terminal.signal(how)
          const { status, ...left } = await terminal.left()
          assert.deepEqual(left, { echoes: true, reads_lines: true })
          assert.match(terminal.out(), /\x1b\[\?25h\x1b\[\?1049l$/)
          return status
        }),
      )
      assert.deepEqual(statuses, [130, 143, 0])
    })

    test(
      `a narrow terminal, or one that becomes narrow, has no line that is wider on ${runtime}`,
      within,
      async (t) => {
        const terminal = onTerminal(t, [100, 24], top())
        await terminal.until(/closes in/)
        terminal.resize(44, 9)
        const drawn = await terminal.until(/w its moves {1,2}…/)
        const screen = drawn.slice(drawn.lastIndexOf('\x1b[H')).replaceAll(/\x1b\[[\d;]*[A-Za-z]/g, '')
        const lines = screen.split(/\r+\n/)
        assert.ok(lines.length <= 9, screen)
        for (const line of lines) assert.ok(line.length <= 44, line)
        terminal.keys('q')
        assert.equal((await terminal.left()).status, 0)
      },
    )
  }

  test('a listener that goes away is said at the foot, and one that is not there is an error', within, async (t) => {
    const own = await serve(t, 'node', [])
    const terminal = onTerminal(t, [160, 24], hangupOn('node', 'top', '--admin', own.admin, '--every', '200ms'))
    await terminal.until(/q quit/)
    own.signal('SIGKILL')
    await terminal.until(/nothing listens there/)
    terminal.keys('q')
    assert.deepEqual(await terminal.left(), { status: 0, echoes: true, reads_lines: true })
    const none = await run(t, hangupOn('node', 'top', '--admin', own.admin))
    assert.equal(none.code, 2)
    assert.match(none.stderr, /nothing listens there/)
  })

  test('drain is asked for twice', within, async (t) => {
    const own = await serve(t, 'node', [])
    const terminal = onTerminal(t, [120, 24], hangupOn('node', 'top', '--admin', own.admin))
    await terminal.until(/q quit/)
    terminal.keys('d')
    await terminal.until(/Drain the server/)
    terminal.keys('n')
    await terminal.until(/sorted by/)
    terminal.keys('dy')
    await own.exited
    terminal.keys('q')
    assert.equal((await terminal.left()).status, 0)
  })

  test('every so often a line of JSON, until a signal', within, async (t) => {
    const top = launch(t, hangupOn('node', 'top', '--admin', server.admin, '--json', '--every', '200ms'))
    await top.until(/(?:.*\n){3}/)
    top.signal('SIGTERM')
    const { code, stdout: out } = await top.exited
    assert.equal(code, 0)
    for (const line of out.trim().split('\n')) JSON.parse(line)
  })
})
