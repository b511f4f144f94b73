/**
 * Unix sockets on each runtime, as processes of their own: the listener lasts, and its file comes
 * and goes with it.
 */
import assert from 'node:assert/strict'
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
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { listen } from '../../runtimes/node/transport.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { withSocketFile } from '../../src/net/socket-file.ts'
import { exchange, get } from '../lib/client.ts'
import { run } from '../lib/program.ts'
import { type Command, hangupOn, runtimeNames, tlsFlags, withDescriptors } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'

const request = get('/', 'Connection: close\r\n')
const hello = /^HTTP\/1\.1 200 OK[\s\S]*hello\n$/
/** Longer than Deno looks after its accept loop. */
const longAfterMs = 1_000

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

const start = (t: TestContext, command: Command, ...flags: string[]): Promise<Server> =>
  startServer(t, [...command, ...flags, '--report', 'json'])

/** What a start that must fail says. */
async function refusal(t: TestContext, command: Command, path: string): Promise<string> {
  const { code, stderr } = await run(t, [...command, '--unix', path])
  assert.equal(code, 2)
  return stderr
}

async function end({ signal, exited }: Server, name: NodeJS.Signals): Promise<number | null> {
  signal(name)
  return (await exited).code
}

const ask = (path: string): Promise<string> => exchange(path, request)

for (const runtime of runtimeNames) {
  const command = hangupOn(runtime, 'serve')
  describe(`a Unix socket on ${runtime}`, { concurrency: true }, () => {
    test('is answered for as long as the server lives, and its file goes with the drain', async (t) => {
      const path = temporary(t)
      const server = await start(t, command, '--unix', path)
      assert.equal(server.url, `http+unix://${encodeURIComponent(path)}/`)
      assert.match(await ask(path), hello)
      await delay(longAfterMs)
      assert.match(await ask(path), hello)
      assert.equal(await end(server, 'SIGTERM'), 0)
      assert.equal(existsSync(path), false)
    })

    test('is taken over from a server that was killed, not from one that lives', async (t) => {
      const path = temporary(t)
      const first = await start(t, command, '--unix', path)
      assert.equal(await refusal(t, command, path), `hangup: cannot listen on ${path}: another server listens there\n`)
      assert.match(await ask(path), hello)
      await end(first, 'SIGKILL')
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
      await start(t, command, '--unix', path, ...tlsFlags)
      assert.match(await exchange({ path, tls: {} }, request), hello)
    })

    test('is answered again when descriptors that ran out are free', async (t) => {
      const path = temporary(t)
      await start(t, withDescriptors(128, command), '--unix', path)
      const crowd = Array.from({ length: 300 }, () => connect(path).on('error', () => {}))
      await delay(longAfterMs)
      for (const socket of crowd) socket.destroy()
      assert.match(await ask(path), hello)
    })

    test('of a gateway is taken over as well', async (t) => {
      const path = temporary(t)
      const gateway = hangupOn(runtime, 'gateway', '--to', 'http://127.0.0.1:9')
      const first = await start(t, gateway, '--unix', path)
      await end(first, 'SIGKILL')
      const server = await start(t, gateway, '--unix', path)
      assert.match(await ask(path), /^HTTP\/1\.1 502/)
      assert.equal(await end(server, 'SIGTERM'), 0)
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
  const listenThere = () => withSocketFile(listen, backgroundClock)({ port: 0, host: undefined, unix: path }, accept)
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
