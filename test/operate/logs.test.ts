/**
 * What a server and a gateway write for whoever operates them, from outside and on every runtime.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../lib/program.ts'
import { commandOn, hangupOn, onAnyPort, onEachRuntime, type RuntimeName } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'

const engines = ['native', 'hangup'] as const

async function open(t: TestContext, { url }: Pick<Server, 'url'>): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  names.set(socket, `127.0.0.1:${socket.localPort}`)
  return socket
}

const names = new WeakMap<Socket, string>()
/** As the server calls it, also when it is gone. */
const nameOf = (socket: Socket): string | undefined => names.get(socket)

/** Started; `stop` resolves to the status of its end. */
async function start(t: TestContext, runtime: RuntimeName, ...args: readonly string[]) {
  const server = await startServer(t, hangupOn(runtime, ...args))
  const stop = async () => {
    server.signal('SIGTERM')
    return (await server.exited).code
  }
  return { ...server, stop }
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
      const server = await start(t, runtime, 'serve', ...onAnyPort, '--engine', engine, '--drain-delay', 'off')
      const slow = fetch(new URL('/slow?ms=700', server.url))
      await sleep(300)
      assert.equal(await server.stop(), 0)
      assert.equal((await slow).status, 200)
      const [draining, drained, ...more] = linesOf(server.stderr())
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
    const gateway = await start(t, runtime, 'gateway', ...onAnyPort, '--to', 'http://127.0.0.1:1', '--log', 'text')
    assert.equal(await gateway.stop(), 0)
    assert.match(
      gateway.stderr(),
      /^hangup: draining: 0 requests in flight, a second signal cuts \[DRAINING\]\nhangup: drained in \d\.\d s, 0 cut \[DRAINED\]\n$/,
    )
  })

  test('ends nothing when its reader is gone', async (t) => {
    const server = await start(t, runtime, 'serve', ...onAnyPort, '--app', 'test/operate/throws.ts')
    server.child.stderr.destroy()
    for (let i = 0; i < 3; i++) assert.equal((await fetch(server.url)).status, 500)
    server.child.kill('SIGTERM')
    assert.deepEqual(await once(server.child, 'exit'), [0, null])
  })
})

onEachRuntime('the access log', (runtime) => {
  const timed = ['--idle-timeout', '400ms', '--min-idle', 'off', '--drain-delay', 'off', '--drain-timeout', '300ms']

  for (const engine of engines) {
    test(`of ${engine} has each response, each end and its cause`, async (t) => {
      const server = await start(t, runtime, 'serve', ...onAnyPort, '--engine', engine, ...timed, '--access-log')
      const idle = await open(t, server)
      idle.write('GET /a?token=secret HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(idle, 'end')
      const silent = await open(t, server)
      const cut = await open(t, server)
      cut.write('GET /slow?ms=5000 HTTP/1.1\r\nHost: a\r\n\r\n')
      await sleep(200)
      silent.destroy()
      await sleep(200)
      assert.equal(await server.stop(), 1)

      assert.doesNotMatch(server.stdout(), /secret/)
      const [, ...lines] = linesOf(server.stdout())
      const request = lines.find(({ kind }) => kind === 'request')
      const { method, target, status, peer, ms } = request
      assert.deepEqual([method, target, status, peer], ['GET', '/a', 404, nameOf(idle)])
      assert.ok(ms >= 0 && ms < 5_000, `${ms}`)
      const ends = new Map(lines.filter(({ kind }) => kind === 'end').map((end) => [end.peer, end]))
      const { by, phase, why, requests } = ends.get(nameOf(idle))
      assert.deepEqual([by, phase, why, requests], ['server', 'idle', 'idle', 1])
      // The ledger sees no heads, no connection that is too short for its scan, and nothing of a cut.
      if (engine === 'native' && runtime !== 'node') return
      assert.equal(ends.get(nameOf(silent)).by, 'client')
      assert.equal(ends.get(nameOf(cut)).by, 'operator')
      assert.equal(ends.get(nameOf(cut)).unanswered, 'GET /slow')
      assert.equal(request.connection, ends.get(nameOf(idle)).connection)
      assert.equal(request.protocol, 'HTTP/1.1')
      assert.equal(request.bytes, ends.get(nameOf(idle)).sent)
    })
  }

  for (const engine of engines) {
    test(`in code, of ${engine}, may fail and costs no client anything`, async (t) => {
      const { stdout } = await run(t, commandOn(runtime, 'test/operate/access-in-code.ts', engine))
      const [told, logged, ...more] = JSON.parse(stdout.trim())
      assert.deepEqual(told, ['GET', '/a?b=c', 200, 'yes'])
      assert.match(logged.join(' '), /^ACCESS_LOG_FAILED accessLog failed: Error: no room/)
      assert.deepEqual(more, [])
    })
  }

  test('of a gateway goes to a file, which is opened anew at a signal', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'hangup-logs-'))
    t.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'access.log')
    const flags = ['--access-log', 'w3c', '--access-log-file', path]
    const gateway = await start(t, runtime, 'gateway', ...onAnyPort, '--to', 'http://127.0.0.1:1', ...flags)
    const ask = async (target: string, file: string) => {
      await (await fetch(new URL(target, gateway.url))).text()
      for (let i = 0; !(await readFile(file, 'utf8').catch(() => '')).includes(target); i++) {
        assert.ok(i < 100, `${target} is not in ${file}`)
        await sleep(20)
      }
    }
    await ask('/before', path)
    await rename(path, `${path}.1`)
    gateway.child.kill('SIGUSR1')
    for (let i = 0; !existsSync(path) && i < 100; i++) await sleep(20)
    await ask('/after', path)
    assert.equal(await gateway.stop(), 0)
    const [before, after] = await Promise.all([`${path}.1`, path].map((file) => readFile(file, 'utf8')))
    for (const text of [before, after])
      assert.match(text!, /^#Version: 1\.0\n#Software: hangup\n#Fields: date time c-ip /)
    assert.match(before!, / GET \/before HTTP\/1\.1 502 /)
    assert.doesNotMatch(before!, /after/)
    assert.equal((await stat(path)).mode & 0o007, 0)
  })

  test('that nobody reads holds up neither requests nor the end', async (t) => {
    const server = await start(
      t,
      runtime,
      'serve',
      ...onAnyPort,
      '--engine',
      'hangup',
      '--access-log',
      '--access-log-query',
    )
    server.child.stdout.pause()
    const socket = await open(t, server)
    const requests = 1_500
    let answers = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      answers += text
    })
    const target = `/${'x'.repeat(1_500)}`
    for (let sent = 0; sent < requests; sent += 50) {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(50))
      const before = performance.now()
      while (answers.split('HTTP/1.1 404').length <= sent + 50) {
        assert.ok(performance.now() - before < 5_000, 'requests are held up')
        await sleep(5)
      }
    }
    socket.destroy()
    server.child.kill('SIGTERM')
    assert.deepEqual(await once(server.child, 'exit'), [0, null])
    assert.match(server.stderr(), /a line of the access log was lost: its reader or its disk is too slow/)
  })
})

describe('what is wrong is refused', { concurrency: true }, () => {
  const refused = {
    '--log jsn': /^hangup: --log: .*jsn is not a form of the log; did you mean json\?.*text, json/,
    '--access-log w3': /^hangup: --access-log: .*w3 is not a form of the access log; accepted: json, combined, w3c/,
    '--access-log-file /none/access.log':
      /^hangup: --access-log-file \/none\/access\.log: it cannot be written to \(ENOENT\).*a folder that is there/,
  }
  for (const [flags, message] of Object.entries(refused)) {
    test(flags, async (t) => {
      const { code, stderr: err } = await run(t, hangupOn('node', 'serve', ...onAnyPort, ...flags.split(' ')))
      assert.equal(code, 2)
      assert.match(err, message)
    })
  }
})
