/**
 * `deno serve`, of one thread and of several: who hangs up on whom, the drain, what is missing
 * without FFI, no descriptor left.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../lib/client.ts'
import { type Ended, run } from '../lib/program.ts'
import { withDescriptors } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'
import { descriptorsOf } from '../lib/sockets.ts'

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
  readonly descriptors?: number
}

type Served = Server & { readonly more: () => readonly string[] }

const entryOf = (module: string, { permissions = least, env, flags = [], descriptors }: Start) => {
  const command = ['deno', 'serve', '--host', '127.0.0.1', '--port', '0', ...permissions, ...flags, module]
  return [
    descriptors === undefined ? command : withDescriptors(descriptors, command),
    { env: { HANGUP_REPORT: 'json', ...env } },
  ] as const
}

/** `more`: lines that came after the report. */
async function start(t: TestContext, module: string, how: Start = {}): Promise<Served> {
  const server = await startServer(t, ...entryOf(module, how))
  return { ...server, more: () => server.stdout().split('\n').slice(1).filter(Boolean) }
}

const endOf = (t: TestContext, module: string, how: Start): Promise<Ended> => run(t, ...entryOf(module, how))

/** How long after it was opened. */
const endedMs = ({ endedAt, openedAt }: Client): number => endedAt - openedAt

/** The body of the next whole answer. */
async function answerFrom(client: Client): Promise<string> {
  const answer = /^HTTP\/1\.1 200 OK\r\n[\s\S]*?content-length: (\d+)\r\n[\s\S]*?\r\n\r\n/i
  const body = (): string | null => {
    const whole = answer.exec(client.text)
    return whole !== null && client.text.length >= whole[0].length + Number(whole[1])
      ? client.text.slice(whole[0].length)
      : null
  }
  await client.until(() => body() !== null || client.end !== 'open', 60_000)
  const found = body()
  if (found === null) throw new Error(`closed after ${JSON.stringify(client.text)}`)
  client.text = ''
  return found.trim()
}

/** Of a limit of a second, from the start of its connection. */
function assertOnTime(client: Client): void {
  const ms = endedMs(client)
  assert.ok(ms >= 1_000 && ms <= 1_000 + 2 * lateMs, `ended after ${Math.round(ms)} ms`)
}

const answerOf = (port: number, path: string): Promise<string> => {
  const client = new Client(port).get(path)
  return answerFrom(client).finally(() => client.destroy())
}

/** Of a limit of a second. */
const stayMs = 300

/**
 * One connection that each thread has answered on a moment ago: which thread accepts one is chance.
 */
async function oneOfEach(port: number, threads: number): Promise<ReadonlyMap<string, Client>> {
  const found = new Map<string, Client>()
  let askedAt = performance.now()
  for (let tries = 0; found.size < threads; tries++) {
    assert.ok(tries < 1_000, `only ${found.size} threads answer`)
    if (performance.now() - askedAt > stayMs) {
      await Promise.all([...found.values()].map((client) => answerFrom(client.get('/'))))
      askedAt = performance.now()
    }
    const client = new Client(port).get('/')
    const thread = await answerFrom(client)
    if (found.has(thread)) client.destroy()
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
    const idle = new Client(port).get('/text')
    const slow = new Client(port).get('/text?ms=2500')
    await idle.ended
    assert.match(idle.text, /^HTTP\/1\.1 200 OK\r\n/)
    assertOnTime(idle)
    assert.equal(await answerFrom(slow), 'text')
  },
)

test('three permissions are enough; the built-in app is ready', onLinux, async (t) => {
  const { port } = await start(t, entry)
  assert.match(await answerOf(port, '/'), /./)
})

test('SIGTERM: the busy are answered, newcomers refused, and it ends with 0', onLinux, async (t) => {
  const { signal, exited, port } = await start(t, own)
  const busy = new Client(port).get('/slow?ms=1500')
  await sleep(300)
  signal('SIGTERM')
  await sleep(300)
  const { text } = await new Client(port).get('/').ended
  assert.equal(text, '')
  assert.match((await busy.ended).text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close/i)
  assert.equal((await exited).code, 0)
})

test('a drain that has to cut ends with 1', onLinux, async (t) => {
  const env = { HANGUP_APP: 'test/runtimes/deno-app.ts', HANGUP_DRAIN_TIMEOUT: '1s' }
  const flags = ['--parallel']
  const { signal, exited, port } = await start(t, entry, {
    permissions: [...least, '--allow-read'],
    env: { ...env, DENO_JOBS: '2' },
    flags,
  })
  const busy = new Client(port).get('/text?ms=9000')
  await sleep(300)
  signal('SIGTERM')
  assert.equal((await exited).code, 1)
  assert.equal((await busy.ended).text, '')
})

test('without --allow-ffi defaults are said to be nobody’s, and by what; the drain is held', onLinux, async (t) => {
  const permissions = ['--no-prompt', '--allow-net', '--allow-env']
  const { signal, exited, port, report } = await start(t, entry, { permissions })
  assert.equal(report['engineWhy'], 'the kernel ledger needs --allow-ffi')
  const { by, how } = report['enforcement'].idleTimeoutMs
  assert.equal(by, 'nobody')
  assert.match(how, /--allow-ffi/)
  assert.match(await answerOf(port, '/'), /./)
  signal('SIGTERM')
  assert.equal((await exited).code, 0)
})

test(
  'without --allow-ffi a limit that was set is refused, and so it is in a module of one’s own',
  onLinux,
  async (t) => {
    const permissions = ['--no-prompt', '--allow-net', '--allow-env', '--allow-read']
    for (const module of [entry, own]) {
      const { code, stderr } = await endOf(t, module, { permissions, env: { HANGUP_IDLE_TIMEOUT: '5s' } })
      assert.notEqual(code, 0)
      assert.match(stderr, module === own ? /idleTimeoutMs[^\n]*--allow-ffi/ : /HANGUP_IDLE_TIMEOUT[^\n]*--allow-ffi/)
    }
  },
)

test('what only the command can be told is refused, and its flag named', onLinux, async (t) => {
  const env = { HANGUP_PORT: '8080', HANGUP_ENGINE: 'hangup', HANGUP_ADMIN: '9180', HANGUP_HEALTH_PATH: '/health' }
  const { code, stderr } = await endOf(t, entry, { env })
  assert.equal(code, 2)
  assert.match(stderr, /HANGUP_PORT[^\n]*deno serve --port 8080/)
  assert.match(stderr, /HANGUP_ENGINE[^\n]*deno run/)
  assert.match(stderr, /HANGUP_ADMIN[^\n]*adminRoutes/)
  assert.match(stderr, /HANGUP_HEALTH_PATH[^\n]*a route of the app/)
})

for (const [threads, flags] of [
  [1, []],
  [2, ['--parallel']],
] as const) {
  test(`without a descriptor left it lives on: ${threads} thread(s)`, onLinux, async (t) => {
    const env = { DENO_JOBS: String(threads) }
    const { child, port } = await start(t, own, { env, flags, descriptors: 256 })
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
    for (const client of crowd) client.destroy()
    await sleep(500)
    for (let i = 0; i < 100; i++) await answerOf(port, '/')
    assert.equal(child.exitCode, null)
  })
}

test(
  'threads leave each other’s requests alone, and what is idle beside them is closed on time',
  onLinux,
  async (t) => {
    const { pid, port, more } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
    for (const client of (await oneOfEach(port, 2)).values()) client.destroy()
    await sleep(1_500)
    const before = descriptorsOf(pid)
    const each = (await oneOfEach(port, 2)).values()
    const fresh = Array.from({ length: 24 }, () => new Client(port))
    const slow = [...each, ...fresh].map((client) => client.get('/slow?ms=3500'))
    const silent = Array.from({ length: 8 }, () => new Client(port))
    const idle = Array.from({ length: 8 }, () => new Client(port).get('/'))
    for (const client of [...silent, ...idle]) {
      await client.ended
      assertOnTime(client)
    }
    const answeredBy = await Promise.all(slow.map((client) => answerFrom(client)))
    assert.equal(new Set(answeredBy).size, 2)
    const answeredAt = performance.now()
    await Promise.all(slow.map(({ ended }) => ended))
    const idleMs = performance.now() - answeredAt
    assert.ok(
      idleMs >= 900 && idleMs <= 1_000 + 2 * lateMs,
      `the last was closed ${Math.round(idleMs)} ms after its answer`,
    )
    await sleep(200)
    assert.equal(descriptorsOf(pid), before)
    assert.deepEqual(more(), [], 'the report comes once')
  },
)

test('a head that trickles in is cut off, whichever thread it goes to', onLinux, async (t) => {
  const { port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  const heads = Array.from({ length: 8 }, () => {
    const client = new Client(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n')
    const timer = setInterval(() => client.send('X-A: b\r\n'), 100)
    return client.ended.finally(() => clearInterval(timer))
  })
  for (const client of await Promise.all(heads)) {
    assert.match(client.text, /^HTTP\/1\.1 408 /)
    assertOnTime(client)
  }
})

test('while a thread is blocked, nobody who waits for it is closed', onLinux, async (t) => {
  const { port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  for (const blocks of [0, 1]) {
    const [one, other] = [...(await oneOfEach(port, 2)).values()]
    const [blocked, free] = blocks === 0 ? [one!, other!] : [other!, one!]
    const beside: Client[] = []
    while (beside.length < 5) {
      const client = new Client(port).get('/')
      await answerFrom(client)
      beside.push(client)
    }
    // Handed over at the same turn, some of them, as the one that blocks.
    blocked.get('/block?ms=3000')
    for (const client of beside) client.get('/slow?ms=50')
    assert.match(await answerFrom(blocked), /./)
    for (const client of beside) assert.match(await answerFrom(client), /./)
    for (const client of [blocked, free, ...beside]) client.destroy()
  }
})

test('SIGTERM: all threads answer what they have, and the process ends with 0', onLinux, async (t) => {
  const { signal, exited, port } = await start(t, own, { env: { DENO_JOBS: '2' }, flags: ['--parallel'] })
  const busy = Array.from({ length: 12 }, () => new Client(port).get('/slow?ms=1500'))
  await sleep(300)
  signal('SIGTERM')
  const heard = await Promise.all(busy.map(({ ended }) => ended))
  for (const { text } of heard) assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.equal((await exited).code, 0)
})
