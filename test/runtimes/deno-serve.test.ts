/** `deno serve`, of one thread and of several: who hangs up on whom, the drain, what is missing without FFI, no descriptor left. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const deno = 'node_modules/.bin/deno'
const least = ['--no-prompt', '--allow-net', '--allow-ffi', '--allow-env']
const entry = 'runtimes/deno.ts'
const own = 'test/runtimes/deno-served.ts'
const onLinux = { skip: process.platform !== 'linux' && 'the kernel ledger needs Linux' }
/** What a limit of a second may be late. */
const lateMs = 250

interface Start {
  readonly permissions?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  readonly shell?: string
}

interface Server {
  readonly child: ChildProcess
  readonly report: Readonly<Record<string, any>>
  readonly port: number
  /** Lines that came after the report. */
  readonly more: string[]
  readonly errors: () => string
}

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HANGUP_|PORT$)/.test(name)))

function launch(t: TestContext, module: string, { permissions = least, env, flags = [], shell = '' }: Start) {
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', ...permissions, ...flags, module]
  const child = spawn('sh', ['-c', `${shell}exec "$0" "$@"`, deno, ...args], {
    env: { ...environment, HANGUP_REPORT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  return { child, errors: () => errors }
}

async function start(t: TestContext, module: string, how: Start = {}): Promise<Server> {
  const { child, errors } = launch(t, module, how)
  const more: string[] = []
  const report = await new Promise<Readonly<Record<string, any>>>((resolve, reject) => {
    createInterface(child.stdout!)
      .once('line', (line) => resolve(JSON.parse(line)))
      .on('line', (line) => more.push(line))
      .on('close', () => reject(new Error(`it ended before it listened: ${errors()}`)))
  })
  more.length = 0
  return { child, report, port: Number(new URL(report['url']).port), more, errors }
}

/** What came on one connection until it ended, and how long after `from` that was. */
interface Heard {
  readonly text: string
  readonly endedMs: number
}

class Client {
  readonly socket: Socket
  text = ''
  readonly ended: Promise<Heard>

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('utf8').on('data', (text) => {
      this.text += text
    })
    this.socket.on('error', () => {})
    const from = performance.now()
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => resolve({ text: this.text, endedMs: performance.now() - from }))
    })
  }

  ask(path: string): this {
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    return this
  }

  /** The body of the next whole answer. */
  async answer(): Promise<string> {
    for (;;) {
      const whole = /^HTTP\/1\.1 200 OK\r\n[\s\S]*?content-length: (\d+)\r\n[\s\S]*?\r\n\r\n/i.exec(this.text)
      if (whole !== null && this.text.length >= whole[0].length + Number(whole[1])) {
        const body = this.text.slice(whole[0].length)
        this.text = ''
        return body.trim()
      }
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.text)}`)
      await new Promise((resolve) => this.socket.once('data', resolve).once('close', resolve))
    }
  }
}

const answerOf = (port: number, path: string): Promise<string> => {
  const client = new Client(port).ask(path)
  return client.answer().finally(() => client.socket.destroy())
}

const sockets = ({ pid }: ChildProcess): number => readdirSync(`/proc/${pid}/fd`).length

/** Of a limit of a second. */
const stayMs = 300

/** One connection that each thread has answered on a moment ago: which thread accepts one is chance. */
async function oneOfEach(port: number, threads: number): Promise<ReadonlyMap<string, Client>> {
  const found = new Map<string, Client>()
  let askedAt = performance.now()
  for (let tries = 0; found.size < threads; tries++) {
    assert.ok(tries < 1_000, `only ${found.size} threads answer`)
    if (performance.now() - askedAt > stayMs) {
      await Promise.all([...found.values()].map((client) => client.ask('/').answer()))
      askedAt = performance.now()
    }
    const client = new Client(port).ask('/')
    const thread = await client.answer()
    if (found.has(thread)) client.socket.destroy()
    else found.set(thread, client)
  }
  return found
}

test(
  'variables set the policy of the app they name, the report says so, and PORT is the command’s',
  onLinux,
  async (t) => {
    const env = {
      HANGUP_APP: 'test/runtimes/deno-app.ts',
      HANGUP_IDLE_TIMEOUT: '1s',
      HANGUP_MIN_IDLE: '500ms',
      PORT: '1',
    }
    const { port, report } = await start(t, entry, { permissions: [...least, '--allow-read'], env })
    assert.deepEqual([report['runtime'], report['engine']], ['deno serve', 'Deno.serve'])
    assert.deepEqual([report['policy'].idleTimeoutMs, report['origins'].idleTimeoutMs], [1_000, 'environment'])
    const idle = new Client(port).ask('/text')
    const slow = new Client(port).ask('/text?ms=2500')
    const { endedMs, text } = await idle.ended
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(endedMs >= 1_000 && endedMs <= 1_000 + 2 * lateMs, `ended after ${Math.round(endedMs)} ms`)
    assert.equal(await slow.answer(), 'text')
  },
)

test('three permissions are enough; the built-in app is ready', onLinux, async (t) => {
  const { port } = await start(t, entry)
  assert.match(await answerOf(port, '/'), /./)
})

test('SIGTERM: the busy are answered, newcomers refused, and it ends with 0', onLinux, async (t) => {
  const { child, port } = await start(t, own)
  const busy = new Client(port).ask('/slow?ms=1500')
  await sleep(300)
  child.kill('SIGTERM')
  await sleep(300)
  const { text } = await new Client(port).ask('/').ended
  assert.equal(text, '')
  assert.match((await busy.ended).text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close/i)
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('a drain that has to cut ends with 1', onLinux, async (t) => {
  const env = { HANGUP_APP: 'test/runtimes/deno-app.ts', HANGUP_DRAIN_TIMEOUT: '1s' }
  const flags = ['--parallel']
  const { child, port } = await start(t, entry, {
    permissions: [...least, '--allow-read'],
    env: { ...env, DENO_JOBS: '2' },
    flags,
  })
  const busy = new Client(port).ask('/text?ms=9000')
  await sleep(300)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [1, null])
  assert.equal((await busy.ended).text, '')
})

test('without --allow-ffi defaults are said to be nobody’s, and by what; the drain is held', onLinux, async (t) => {
  const permissions = ['--no-prompt', '--allow-net', '--allow-env']
  const { child, port, report } = await start(t, entry, { permissions })
  assert.equal(report['engineWhy'], 'the kernel ledger needs --allow-ffi')
  const { by, how } = report['enforcement'].idleTimeoutMs
  assert.equal(by, 'nobody')
  assert.match(how, /--allow-ffi/)
  assert.match(await answerOf(port, '/'), /./)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test(
  'without --allow-ffi a limit that was set is refused, and so it is in a module of one’s own',
  onLinux,
  async (t) => {
    const permissions = ['--no-prompt', '--allow-net', '--allow-env', '--allow-read']
    for (const module of [entry, own]) {
      const { child, errors } = launch(t, module, { permissions, env: { HANGUP_IDLE_TIMEOUT: '5s' } })
      const [status] = await once(child, 'close')
      assert.notEqual(status, 0)
      assert.match(errors(), module === own ? /idleTimeoutMs[^\n]*--allow-ffi/ : /HANGUP_IDLE_TIMEOUT[^\n]*--allow-ffi/)
    }
  },
)

test('what only the command can be told is refused, and its flag named', onLinux, async (t) => {
  const env = { HANGUP_PORT: '8080', HANGUP_ENGINE: 'hangup', HANGUP_ADMIN: '9180', HANGUP_HEALTH_PATH: '/health' }
  const { child, errors } = launch(t, entry, { env })
  assert.deepEqual(await once(child, 'close'), [2, null])
  assert.match(errors(), /HANGUP_PORT[^\n]*deno serve --port 8080/)
  assert.match(errors(), /HANGUP_ENGINE[^\n]*deno run/)
  assert.match(errors(), /HANGUP_ADMIN[^\n]*adminRoutes/)
  assert.match(errors(), /HANGUP_HEALTH_PATH[^\n]*a route of the app/)
})

for (const [threads, flags] of [
  [1, []],
  [2, ['--parallel']],
] as const) {
  test(`without a descriptor left it lives on: ${threads} thread(s)`, onLinux, async (t) => {
    const env = { DENO_JOBS: String(threads) }
    const { child, port } = await start(t, own, { env, flags, shell: 'ulimit -n 256; ' })
    const busy = Array.from({ length: 10 }, () => answerOf(port, '/slow?ms=3000'))
    await sleep(300)
    const crowd = Array.from({ length: 1_000 }, () => new Client(port))
    const from = performance.now()
    let answered = ''
    while (answered === '' && performance.now() - from < 3_000) {
      await sleep(50)
      answered = await answerOf(port, '/').catch(() => '')
    }
    assert.notEqual(answered, '')
    assert.equal((await Promise.all(busy)).length, 10)
    for (const { socket } of crowd) socket.destroy()
    await sleep(500)
    for (let i = 0; i < 100; i++) await answerOf(port, '/')
    assert.equal(child.exitCode, null)
  })
}

test(
  'threads leave each other’s requests alone, and what is idle beside them is closed on time',
  onLinux,
  async (t) => {
    const { child, port, more } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
    for (const { socket } of (await oneOfEach(port, 2)).values()) socket.destroy()
    await sleep(1_500)
    const before = sockets(child)
    const each = (await oneOfEach(port, 2)).values()
    const fresh = Array.from({ length: 24 }, () => new Client(port))
    const slow = [...each, ...fresh].map((client) => client.ask('/slow?ms=3500'))
    const silent = Array.from({ length: 8 }, () => new Client(port))
    const idle = Array.from({ length: 8 }, () => new Client(port).ask('/'))
    for (const { ended } of [...silent, ...idle]) {
      const { endedMs } = await ended
      assert.ok(endedMs >= 1_000 && endedMs <= 1_000 + 2 * lateMs, `ended after ${Math.round(endedMs)} ms`)
    }
    const answeredBy = await Promise.all(slow.map((client) => client.answer()))
    assert.equal(new Set(answeredBy).size, 2)
    const answeredAt = performance.now()
    await Promise.all(slow.map(({ ended }) => ended))
    const idleMs = performance.now() - answeredAt
    assert.ok(
      idleMs >= 900 && idleMs <= 1_000 + 2 * lateMs,
      `the last was closed ${Math.round(idleMs)} ms after its answer`,
    )
    await sleep(200)
    assert.equal(sockets(child), before)
    assert.deepEqual(more, [], 'the report comes once')
  },
)

test('a head that trickles in is cut off, whichever thread it goes to', onLinux, async (t) => {
  const { port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  const heads = Array.from({ length: 8 }, () => {
    const client = new Client(port)
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    const timer = setInterval(() => client.socket.write('X-A: b\r\n'), 100)
    return client.ended.finally(() => clearInterval(timer))
  })
  for (const { text, endedMs } of await Promise.all(heads)) {
    assert.match(text, /^HTTP\/1\.1 408 /)
    assert.ok(endedMs >= 1_000 && endedMs <= 1_000 + 2 * lateMs, `ended after ${Math.round(endedMs)} ms`)
  }
})

test('while a thread is blocked, nobody who waits for it is closed', onLinux, async (t) => {
  const { port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  for (const blocks of [0, 1]) {
    const [one, other] = [...(await oneOfEach(port, 2)).values()]
    const [blocked, free] = blocks === 0 ? [one!, other!] : [other!, one!]
    const beside: Client[] = []
    while (beside.length < 5) {
      const client = new Client(port).ask('/')
      await client.answer()
      beside.push(client)
    }
    // Handed over at the same turn, some of them, as the one that blocks.
    blocked.ask('/block?ms=3000')
    for (const client of beside) client.ask('/slow?ms=50')
    assert.match(await blocked.answer(), /./)
    for (const client of beside) assert.match(await client.answer(), /./)
    for (const { socket } of [blocked, free, ...beside]) socket.destroy()
  }
})

test('SIGTERM: all threads answer what they have, and the process ends with 0', onLinux, async (t) => {
  const { child, port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  const busy = Array.from({ length: 12 }, () => new Client(port).ask('/slow?ms=1500'))
  await sleep(300)
  child.kill('SIGTERM')
  const heard = await Promise.all(busy.map(({ ended }) => ended))
  for (const { text } of heard) assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.deepEqual(await once(child, 'exit'), [0, null])
})
