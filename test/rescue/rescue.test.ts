/**
 * `hangup rescue` on real servers that have run out, seen from outside: their clients, and the
 * kernel.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { getuid, platform } from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as tlsConnect } from 'node:tls'
import { ask } from '../gateway/clients.ts'
import { run, startProgram } from '../lib/program.ts'
import { commandOn, environment, hangupOn, type RuntimeName } from '../lib/runtimes.ts'
import { descriptorsOf } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { type Leaky, leaky, pools, start } from './servers.ts'

const skip = platform === 'linux' ? false : 'rescue needs Linux'
const idleMs = 2_000

interface Rescued {
  readonly status: number
  readonly json: any
  readonly stdout: string
  readonly stderr: string
}

/** On Bun or Deno, which have an FFI, or from Node, which looks for one of them. */
async function rescue(runtime: RuntimeName, flags: readonly string[]): Promise<Rescued> {
  const { code, stdout, stderr } = await run(null, hangupOn(runtime, 'rescue', ...flags))
  let json: unknown = null
  try {
    json = JSON.parse(stdout)
  } catch {
    // It printed text.
  }
  return { status: Number(code), json, stdout, stderr }
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A client that has its response, if the server has one for it, and says nothing more. */
function idleClient(port: number, silent: boolean): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      if (silent) resolve(socket)
      else socket.write(get)
    })
    socket.on('error', () => {})
    socket.once('data', () => resolve(socket)).resume()
    setTimeout(() => resolve(socket), 500).unref()
  })
}

async function fill(t: Pick<TestContext, 'after'>, port: number, count: number, silent = false): Promise<Socket[]> {
  const crowd: Socket[] = []
  t.after(() => {
    for (const socket of crowd) socket.destroy()
  })
  for (let i = 0; i < count; i += 20) {
    crowd.push(...(await Promise.all(Array.from({ length: Math.min(20, count - i) }, () => idleClient(port, silent)))))
  }
  return crowd
}

const answeredWithin = (port: number, ms: number): Promise<boolean> =>
  Promise.race([
    ask(port, '/', { agent: new Agent() }).then(
      ({ status }) => status === 200,
      () => false,
    ),
    sleep(ms).then(() => false),
  ])

/**
 * Twenty requests that take longer than the rescue: slow handlers, slow uploads, slow downloads.
 */
function busyClients(port: number): Promise<readonly boolean[]> {
  const handlers = Array.from({ length: 7 }, () =>
    ask(port, `/slow?ms=${3 * idleMs}`).then(({ status }) => status === 200),
  )
  const uploads = Array.from({ length: 7 }, () => slowUpload(port))
  const downloads = Array.from({ length: 6 }, () => slowDownload(port))
  return Promise.all([...handlers, ...uploads, ...downloads].map((each) => each.catch(() => false)))
}

function slowUpload(port: number): Promise<boolean> {
  const pieces = 3 * (idleMs / 500)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port }, async () => {
      socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${pieces}\r\n\r\n`)
      for (let i = 0; i < pieces; i++) {
        await sleep(500)
        socket.write('x')
      }
    })
    socket.on('data', (piece) => (text += piece))
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(text.endsWith(`\r\n\r\n${pieces}\n`)))
  })
}

function slowDownload(port: number): Promise<boolean> {
  const whole = 8 * 2 ** 20
  return new Promise((resolve) => {
    let bytes = 0
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.write('GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    })
    socket.on('data', (piece) => {
      bytes += piece.length
    })
    socket.once('data', () => {
      socket.pause()
      setTimeout(() => socket.resume(), 2.5 * idleMs)
    })
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(bytes > whole))
  })
}

/**
 * Clients that keep their connections and never rest for long: what they send, and what they are
 * answered.
 */
function activeClients(port: number, total: number) {
  let answered = 0
  const failures: string[] = []
  const clients = Array.from({ length: 10 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let i = 0; i < total / 10; i++) {
      await ask(port, '/count', { method: 'POST', body: 'x', agent }).then(
        () => (answered += 1),
        (error: Error) => failures.push(error.message),
      )
      await sleep(60)
    }
    agent.destroy()
  })
  return { over: Promise.all(clients), answered: () => answered, failures }
}

const runtimes = ['bun', 'deno', 'node'] as const

describe('rescue frees a server that is out of descriptors', { skip, concurrency: true }, () => {
  leaky.forEach((server, index) => {
    test(server.name, { skip: server.skip, timeout: 60_000 }, (t) => outOfDescriptors(t, server, runtimes[index % 3]!))
  })
})

async function outOfDescriptors(t: TestContext, server: Leaky, runtime: (typeof runtimes)[number]): Promise<void> {
  const { port, pid, signal, exited } = await start(t, server)
  const busy = busyClients(port)
  const active = activeClients(port, server.counts ? 1_000 : 0)
  await sleep(200)
  const crowd = await fill(t, port, server.fill)
  if (!server.stopsShort) assert.equal(await answeredWithin(port, 500), false, 'it is out of descriptors')
  await sleep(idleMs)

  const open = () => crowd.filter(({ closed }) => !closed).length
  const before = open()
  const dry = await rescue(runtime, ['--port', String(port), '--idle', `${idleMs}ms`, '--dry-run', '--json'])
  assert.equal(dry.status, 0, dry.stderr)
  assert.ok(dry.json.due > 100, dry.stdout)
  assert.equal(open(), before, 'a dry run closes nothing')

  const freed = await rescue(runtime, ['--pid', String(pid), '--idle', `${idleMs}ms`, '--yes', '--json'])
  assert.equal(freed.status, 0, freed.stdout + freed.stderr)
  assert.ok(freed.json.ended.closed >= 100, freed.stdout)
  assert.equal(freed.json.ended.raced, 0)
  assert.equal(freed.json.way, 'shutdown')
  assert.ok(await answeredWithin(port, 1_000), 'a new client is answered')

  assert.deepEqual(await busy, Array(20).fill(true), 'requests in flight complete')
  await active.over
  assert.deepEqual(active.failures, [])
  if (server.counts) {
    signal('SIGTERM')
    const { stdout } = await exited
    assert.equal(/posts=(\d+)/.exec(stdout)?.[1], String(active.answered()))
    assert.equal(active.answered(), 1_000)
  }
}

describe('rescue frees a pool of workers that idle connections fill', { skip, concurrency: true }, () => {
  for (const server of pools) {
    test(server.name, { skip: server.skip, timeout: 60_000 }, async (t) => {
      const { port } = await start(t, server)
      await fill(t, port, server.fill, server.fillSilently)
      assert.equal(await answeredWithin(port, 500), false, 'nobody else is served')
      await sleep(idleMs)
      const freed = await rescue('bun', ['--port', String(port), '--idle', `${idleMs}ms`, '--yes', '--json'])
      assert.equal(freed.json?.exhausted, 'workers', freed.stdout + freed.stderr)
      assert.equal(freed.status, 0, freed.stdout)
      assert.ok(await answeredWithin(port, 1_000), 'a new client is answered')
    })
  }
})

test('idle clients over TLS and IPv6 are freed, those of an excluded network stay', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const server = await startProgram(t, [
    ...['env', 'TLS=1', 'HOST=::1'],
    ...commandOn('node', 'test/fixtures/rescue/server.node.ts'),
  ])
  const port = Number(server.line)
  const clients = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = tlsConnect({ host: '::1', port, rejectUnauthorized: false })
      socket.on('error', () => {})
      socket.write(get)
      await once(socket, 'data')
      return socket.resume()
    }),
  )
  t.after(() => {
    for (const client of clients) client.destroy()
  })
  const left = () => clients.filter(({ closed, readableEnded }) => !closed && !readableEnded).length
  await sleep(1_100)
  const flags = ['--port', String(port), '--idle', '1s', '--yes', '--json']
  assert.equal((await rescue('deno', [...flags, '--exclude', '::1/128'])).json.due, 0)
  assert.equal(left(), 10)
  const freed = await rescue('deno', flags)
  assert.equal(freed.json?.ended.closed, 10, freed.stdout + freed.stderr)
  assert.equal(await eventually(left, (count) => count === 0, 1_000), 0)
})

test('--watch holds the idle limit and keeps no descriptor that it borrowed', { skip, timeout: 60_000 }, async (t) => {
  const { port } = await start(t, leaky.find(({ name }) => name.startsWith('Node'))!)
  const watched = ['--port', String(port), '--idle', '1s', '--watch', '--yes', '--json']
  const watching = await startProgram(t, hangupOn('bun', 'rescue', ...watched))
  const descriptors: number[] = []
  for (let round = 0; round < 3; round++) {
    const crowd = await fill(t, port, 40)
    const left = () => crowd.filter(({ closed }) => !closed).length
    assert.equal(left(), 40)
    assert.equal(await eventually(left, (count) => count === 0, 5_000), 0)
    descriptors.push(descriptorsOf(watching.pid))
  }
  // It borrows forty each time; one more or less is its look into /proc at that moment.
  assert.ok(Math.max(...descriptors) <= Math.min(...descriptors) + 2, descriptors.join())
  watching.signal('SIGTERM')
  assert.equal((await watching.exited).code, 0)
})

test('what can not be is one line and status 2', { skip }, async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /--pid, --port: one of them is needed, or --metrics/],
    [['--port', '9'], /there is nobody to confirm/],
    [['--port', '9', '--dry-run'], /nothing listens on port 9/],
    [['--pid', '4194304', '--dry-run'], /there is no process 4194304/],
    [['--port', 'x', '--dry-run'], /--port: x is not a whole number; accepted: a whole number/],
    [['--prot', '9'], /there is no such flag; did you mean --port/],
    [['--port', '9', '--exclude', '10.0.0.1/8', '--yes'], /has bits behind its prefix/],
  ]
  await Promise.all(
    cases.map(async ([flags, said]) => {
      const { status, stderr } = await rescue('bun', flags)
      assert.match(stderr, said)
      assert.equal(status, 2, stderr)
      assert.doesNotMatch(stderr, /\n\s+at /)
    }),
  )
})

const asRoot = getuid?.() === 0 && spawnSync('capsh', ['--version']).error === undefined
const unlessRoot = skip || (asRoot ? false : 'NOT TESTED: it needs root and capsh')
const rescueOnBun = hangupOn('bun', 'rescue')

/** Without some of root's rights. */
function deprived(capsh: readonly string[], flags: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    'capsh',
    [...capsh, '--', '-c', '"$@"', 'sh', ...rescueOnBun, ...flags],
    {
      encoding: 'utf8',
      env: environment,
    },
  )
  return { status, stdout, stderr }
}

test('where descriptors may not be borrowed connections are reset, and where neither is allowed it says what would help', {
  skip: unlessRoot,
  timeout: 60_000,
}, async (t) => {
  const { port } = await start(t, leaky.find(({ name }) => name.startsWith('Node'))!)
  const crowd = await fill(t, port, 20)
  await sleep(1_100)
  const flags = ['--port', String(port), '--idle', '1s']

  const helpless = deprived(['--drop=cap_sys_ptrace,cap_net_admin'], [...flags, '--yes'])
  assert.equal(helpless.status, 2, helpless.stdout)
  assert.match(helpless.stderr, /needs CAP_SYS_PTRACE .*CAP_NET_ADMIN/)
  const stranger = deprived(['--user=nobody'], [...flags, '--yes'])
  assert.equal(stranger.status, 2, stranger.stdout)
  assert.match(stranger.stderr, /belongs to user 0: run as that user or as root/)
  const looking = deprived(['--user=nobody'], [...flags, '--dry-run', '--json'])
  assert.deepEqual([looking.status, JSON.parse(looking.stdout).due], [0, 20], looking.stderr)
  assert.equal(crowd.filter(({ closed }) => closed).length, 0)

  const resets: string[] = []
  for (const socket of crowd) socket.on('error', (error: NodeJS.ErrnoException) => resets.push(error.code ?? ''))
  const reset = deprived(['--drop=cap_sys_ptrace'], [...flags, '--yes', '--json'])
  const { way, ended } = JSON.parse(reset.stdout)
  assert.deepEqual([reset.status, way, ended.closed], [0, 'reset', 20], reset.stderr)
  await eventually(
    () => resets.length,
    (count) => count === 20,
    1_000,
  )
  assert.deepEqual(new Set(resets), new Set(['ECONNRESET']))
})

test('--metrics shows every server’s sockets to Prometheus, and to anybody', {
  skip: unlessRoot,
  timeout: 60_000,
}, async (t) => {
  const { port, pid } = await start(t, leaky.find(({ name }) => name.startsWith('Node'))!)
  await fill(t, port, 20)
  const exporter = await startProgram(t, [...rescueOnBun, '--metrics', '127.0.0.1:0'])
  const [, exported = ''] = /:(\d+)\/metrics$/.exec(exporter.line) ?? []
  const text = await eventuallyIdle(Number(exported), port)
  assert.match(
    text,
    new RegExp(`^hangup_sockets\\{port="${port}",process="node server.node.ts",kind="idle"\\} 20$`, 'm'),
  )
  assert.match(text, new RegExp(`^hangup_process_descriptors_limit\\{pid="${pid}",.*\\} 256$`, 'm'))
  assert.match(text, new RegExp(`^hangup_accept_queue\\{port="${port}"\\} 0$`, 'm'))

  const asNobody = ['capsh', '--user=nobody', '--', '-c', '"$@"', 'sh']
  const unprivileged = await startProgram(t, [...asNobody, ...rescueOnBun, '--metrics', '0'])
  const [, toAnybody = ''] = /:(\d+)\/metrics$/.exec(unprivileged.line) ?? []
  const seen = (await ask(Number(toAnybody), '/metrics')).body
  assert.match(seen, new RegExp(`^hangup_sockets\\{port="${port}",process="unknown",kind="idle"\\} 20$`, 'm'))
})

async function eventuallyIdle(exporter: number, port: number): Promise<string> {
  for (;;) {
    const { body } = await ask(exporter, '/metrics')
    if (new RegExp(`^hangup_sockets_idle\\{port="${port}",.*seconds="5"\\} 20$`, 'm').test(body)) return body
    await sleep(500)
  }
}
