/** Unix sockets on each runtime, as processes of their own: the listener lasts, and its file comes and goes with it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { listen } from '../../runtimes/node/transport.ts'
import { withSocketFile } from '../../src/net/socket-file.ts'
import { runtimeCommands } from '../fixtures/start.ts'

const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const hello = /^HTTP\/1\.1 200 OK[\s\S]*hello\n$/
/** Longer than Deno looks after its accept loop. */
const longAfterMs = 1_000

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

type Command = readonly string[]

function run(t: TestContext, [program = '', ...args]: Command, ...flags: string[]): ChildProcess {
  const child = spawn(program, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function start(
  t: TestContext,
  command: Command,
  ...flags: string[]
): Promise<{ child: ChildProcess; url: string }> {
  const child = run(t, command, ...flags, '--report', 'json')
  let err = ''
  child.stderr!.on('data', (text) => {
    err += text
  })
  for await (const line of createInterface(child.stdout!)) return { child, url: JSON.parse(line).url }
  throw new Error(`it ended before it listened: ${err}`)
}

/** What a start that must fail says. */
async function refusal(t: TestContext, command: Command, path: string): Promise<string> {
  const child = run(t, command, '--unix', path)
  let err = ''
  child.stderr!.on('data', (text) => {
    err += text
  })
  assert.equal((await once(child, 'close'))[0], 2)
  return err
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  return (await once(child, 'exit'))[0]
}

async function answerOf(socket: Socket): Promise<string> {
  socket.write(request)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

const ask = (path: string): Promise<string> => answerOf(connect(path))

const serveOf = (runtime: keyof typeof runtimeCommands): Command => [...runtimeCommands[runtime], 'src/cli.ts', 'serve']

for (const runtime of Object.keys(runtimeCommands) as (keyof typeof runtimeCommands)[]) {
  const command = serveOf(runtime)
  describe(`a Unix socket on ${runtime}`, { concurrency: true }, () => {
    test('is answered for as long as the server lives, and its file goes with the drain', async (t) => {
      const path = temporary(t)
      const { child, url } = await start(t, command, '--unix', path)
      assert.equal(url, `http+unix://${encodeURIComponent(path)}/`)
      assert.match(await ask(path), hello)
      await delay(longAfterMs)
      assert.match(await ask(path), hello)
      assert.equal(await end(child, 'SIGTERM'), 0)
      assert.equal(existsSync(path), false)
    })

    test('is taken over from a server that was killed, not from one that lives', async (t) => {
      const path = temporary(t)
      const first = await start(t, command, '--unix', path)
      assert.equal(await refusal(t, command, path), `hangup: cannot listen on ${path}: another server listens there\n`)
      assert.match(await ask(path), hello)
      await end(first.child, 'SIGKILL')
      assert.equal(existsSync(path), true)
      await start(t, command, '--unix', path)
      assert.match(await ask(path), hello)
    })

    test('is not put in the place of any other file', async (t) => {
      const path = temporary(t)
      writeFileSync(path, 'precious')
      assert.equal(await refusal(t, command, path), `hangup: cannot listen on ${path}: what is there is not a socket\n`)
      assert.equal(readFileSync(path, 'utf8'), 'precious')
    })

    test('speaks TLS', async (t) => {
      const path = temporary(t)
      const tls = ['--tls-cert', 'test/fixtures/tls/cert.pem', '--tls-key', 'test/fixtures/tls/key.pem']
      await start(t, command, '--unix', path, ...tls)
      assert.match(await answerOf(connectTls({ path, rejectUnauthorized: false })), hello)
    })

    test('is answered again when descriptors that ran out are free', async (t) => {
      const path = temporary(t)
      const [program = '', ...args] = command
      const limited = ['sh', '-c', 'ulimit -n 128; exec "$0" "$@"', program, ...args]
      await start(t, limited, '--unix', path)
      const crowd = Array.from({ length: 300 }, () => connect(path).on('error', () => {}))
      await delay(longAfterMs)
      for (const socket of crowd) socket.destroy()
      assert.match(await ask(path), hello)
    })

    test('of a gateway is taken over as well', async (t) => {
      const path = temporary(t)
      const gateway = [...runtimeCommands[runtime], 'src/cli.ts', 'gateway', '--to', 'http://127.0.0.1:9']
      const first = await start(t, gateway, '--unix', path)
      await end(first.child, 'SIGKILL')
      const { child } = await start(t, gateway, '--unix', path)
      assert.match(await ask(path), /^HTTP\/1\.1 502/)
      assert.equal(await end(child, 'SIGTERM'), 0)
      assert.equal(existsSync(path), false)
    })
  })
}

test('of many servers that find the same stale file one listens, and keeps it', async (t) => {
  const path = temporary(t)
  const stale = createServer().listen(path)
  await once(stale, 'listening')
  // Closing removes the file, but not its second name.
  const kept = `${path}.kept`
  linkSync(path, kept)
  stale.close()
  await once(stale, 'close')
  renameSync(kept, path)

  const accept = () => ({ secured() {}, feed() {}, drained() {}, peerEnded() {}, gone() {} })
  const listenThere = () => withSocketFile(listen)({ port: 0, host: undefined, unix: path }, accept)
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, listenThere))
  const listeners = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
  t.after(() => {
    for (const listener of listeners) listener.stop()
  })
  assert.equal(listeners.length, 1)
  const socket = connect(path)
  await once(socket, 'connect')
  socket.destroy()
  assert.deepEqual(readdirSync(dirname(path)), [basename(path)])
})
