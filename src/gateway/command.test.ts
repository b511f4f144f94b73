import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Host } from '../command/host.ts'
import { systemClock } from '../lifecycle/clock.ts'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import type { LogLine } from '../serve/log.ts'
import { gatewayCommand } from './command.ts'
import { loadGateway } from './config/load.ts'
import type { GatewayPlan } from './config/resolve.ts'
import { keepReloading, needsRestart } from './reload.ts'
import type { GatewayRuntime, RunningGateway } from './start.ts'
import { settleMs } from './watch.ts'

const tls = fileURLToPath(new URL('../../test/fixtures/tls/', import.meta.url))
let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangup-gateway-'))
})
after(() => rm(folder, { recursive: true }))

const exact: Enforced = { by: 'us', stepMs: 0, how: 'in memory' }
const enforcement = Object.fromEntries(optionNames.map((option) => [option, exact])) as Enforcement

const running: RunningGateway = {
  urls: ['http://127.0.0.1:81/'],
  engine: 'hangup',
  engineWhy: 'asked for',
  enforcement,
  admin: null,
  closed: new Promise(() => {}),
  notes: ['the spool is in memory'],
  status: () => ({ groups: {}, tunnels: 0, spooledBytes: 0 }),
  readings: () => [],
  administered: () => assert.fail('nobody operates it'),
  inFlight: () => 0,
  reload: () => [],
  drain: async () => ({ cut: 0 }),
  kill: async () => ({ cut: 0 }),
}

async function run(argv: string[], env: Record<string, string> = {}) {
  const seen = { out: '', err: '', statuses: [] as number[], started: [] as GatewayPlan[] }
  const host: Host = {
    argv,
    env,
    columns: 120,
    out: (text) => {
      seen.out += text
    },
    err: (text) => {
      seen.err += text
    },
    exit: (status) => void seen.statuses.push(status),
  }
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  const listening = Object.fromEntries(signals.map((signal) => [signal, process.listeners(signal)]))
  await gatewayCommand(
    {
      runtime: 'memory',
      program: 'hangup gateway',
      load: async () => ({ gateway: { runtime: 'memory', http2: false } as GatewayRuntime }),
      start: async (plan) => {
        seen.started.push(plan)
        return running
      },
    },
    host,
  )
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!listening[signal]?.includes(listener)) process.off(signal, listener)
    }
  }
  return seen
}

describe('hangup gateway', () => {
  test('starts what the flags say and reports it', async () => {
    const { out, err, statuses, started } = await run(['--to', 'http://a:1;weight=2', '--upstream-read-timeout', '5m'])
    assert.equal(started.length, 1)
    assert.match(out, /^hangup on memory: http:\/\/127\.0\.0\.1:81\/\nengine: hangup \(asked for\)\n/)
    assert.match(out, /configuration: flags and variables/)
    assert.match(out, /default +round-robin +no active checks +http:\/\/a:1 × 2/)
    assert.match(out, /upstream-read-timeout +5m +flag/)
    assert.match(out, /note: the spool is in memory/)
    assert.deepEqual([err, statuses], ['', []])
  })

  test('--report json is one line, without keys and the text of files', async () => {
    const { out } = await run(['--to', 'http://a:1', '--report', 'json'])
    const { urls, groups, routes, enforcement } = JSON.parse(out)
    assert.deepEqual(urls, ['http://127.0.0.1:81/'])
    assert.deepEqual(groups[0].upstreams, [{ url: 'http://a:1', weight: 1, proxyProtocol: 'off' }])
    assert.equal(routes[0].to, 'default')
    assert.ok(enforcement.idleTimeoutMs)
    assert.equal((await run(['--to', 'http://a:1'], { HANGUP_REPORT: 'none' })).out, '')
    const pair = ['--tls-cert', `${tls}cert.pem`, '--tls-key', `${tls}key.pem`]
    for (const check of [[], ['--check']]) {
      const secure = await run(['--to', 'http://a:1', '--report', 'json', ...pair, ...check])
      assert.equal(JSON.parse(secure.out).listeners[0].certificates, 1)
      assert.doesNotMatch(secure.out, /BEGIN/)
    }
  })

  test('--check starts nothing, prints what would run, and exits 0', async () => {
    const { out, statuses, started } = await run(['--to', 'http://a:1', '--check', '--port', '81'])
    assert.deepEqual([started, statuses], [[], [0]])
    assert.match(out, /^listens on http:\/\/\*:81\n/)
    assert.match(out, /idle-timeout +5s/)
    const json = await run(['--to', 'http://a:1', '--check', '--report', 'json'])
    assert.equal(JSON.parse(json.out).listeners[0].port, 8080)
  })

  test('says on stderr what is wrong, all at once, without a stack, and exits 2', async () => {
    const path = join(folder, 'wrong.json')
    await writeFile(path, '{"to": "http://a", "lisen": 1, "idleTimeoutMs": "5"}')
    for (const check of [[], ['--check']]) {
      const { err, statuses, started } = await run(['--config', path, ...check])
      assert.match(
        err,
        /^hangup: 2 problems:\n {2}idleTimeoutMs: "5" has no unit.*\n {2}lisen 1: unknown key; did you mean listen\?\n$/,
      )
      assert.deepEqual([started, statuses], [[], [2]])
    }
  })

  test('HTTP/2 is refused where the runtime can’t hold the policy on it', async () => {
    const pair = ['--tls-cert', `${tls}cert.pem`, '--tls-key', `${tls}key.pem`]
    for (const check of [[], ['--check']]) {
      const { err, statuses } = await run(['--to', 'http://a:1', '--http2', ...pair, ...check])
      assert.match(
        err,
        /^hangup: listen\.http2 \(--http2, HANGUP_HTTP2\).* memory can’t hold the policy on HTTP\/2; accepted: Node, or HTTP\/1\.1\n$/,
      )
      assert.deepEqual(statuses, [2])
    }
  })

  test('--help lists its own flags, the policy’s and the upstreams’', async () => {
    const { out, statuses } = await run(['--help', '--nonsense'])
    for (const flag of ['--to <url>', '--idle-timeout <duration>', '--upstream-retry-budget <share>']) {
      assert.ok(out.includes(flag), flag)
    }
    assert.deepEqual(statuses, [0])
  })
})

describe('a reload', () => {
  let stop = () => {}
  afterEach(() => stop())

  /** Waits for a line of this code; the longest of the ladder is a failure. */
  async function line(lines: LogLine[], code: string): Promise<string> {
    for (const ms of [50, 100, 200, 400, 800, 1_600]) {
      await sleep(ms)
      const at = lines.findIndex((one) => one.code === code)
      if (at >= 0) return lines.splice(0, at + 1).at(-1)!.message
    }
    return assert.fail(`no ${code} in ${JSON.stringify(lines)}`)
  }

  async function gateway(content: object, name: string, apply = (_: GatewayPlan): readonly string[] => []) {
    const path = join(folder, name)
    const put = (next: object | string) => writeFile(path, typeof next === 'string' ? next : JSON.stringify(next))
    await put(content)
    const load = async () => (await loadGateway(['--config', path], {}, folder)).plan
    const lines: LogLine[] = []
    const applied: GatewayPlan[] = []
    const signals = new EventEmitter()
    stop = await keepReloading(await load(), {
      load,
      apply(plan) {
        applied.push(plan)
        return apply(plan)
      },
      log: (one) => void lines.push(one),
      clock: systemClock,
      explain: (error) => (error as Error).message,
      process: signals as never,
    })
    return { path, put, lines, applied, signals }
  }

  test('follows a change of the file', async () => {
    const { put, lines, applied } = await gateway({ to: 'http://a' }, 'change.json')
    await put({ to: ['http://b', 'http://c'] })
    assert.match(await line(lines, 'RELOADED'), /change\.json: 1 route, 1 group$/)
    assert.deepEqual(
      applied.map(({ config }) => config.groups['default']?.upstreams.map(({ url }) => url)),
      [['http://b', 'http://c']],
    )
  })

  test('follows a file that takes the place of the old one, more than once', async () => {
    const { path, lines, applied } = await gateway({ to: 'http://a' }, 'rename.json')
    for (const to of ['http://b', 'http://c']) {
      await writeFile(`${path}.new`, JSON.stringify({ to }))
      await rename(`${path}.new`, path)
      await line(lines, 'RELOADED')
      assert.equal(applied.at(-1)?.config.groups['default']?.upstreams[0]?.url, to)
    }
  })

  test('follows a symbolic link that is swapped beside it, as Kubernetes does', async () => {
    const mount = join(folder, 'mount')
    for (const version of ['1', '2']) {
      await mkdir(join(mount, version), { recursive: true })
      await writeFile(join(mount, version, 'linked.json'), `{"to": "http://v${version}"}`)
    }
    await symlink('1', join(mount, 'data'))
    await symlink('data/linked.json', join(mount, 'linked.json'))
    const path = join(mount, 'linked.json')
    const load = async () => (await loadGateway(['--config', path], {}, folder)).plan
    const lines: LogLine[] = []
    const hosts: (string | undefined)[] = []
    stop = await keepReloading(await load(), {
      load,
      apply(plan) {
        hosts.push(plan.config.groups['default']?.upstreams[0]?.host)
        return []
      },
      log: (one) => void lines.push(one),
      clock: systemClock,
      explain: String,
      process: new EventEmitter() as never,
    })
    await symlink('2', join(mount, 'data.new'))
    await rename(join(mount, 'data.new'), join(mount, 'data'))
    await line(lines, 'RELOADED')
    assert.deepEqual(hosts, ['v2'])
  })

  test('follows SIGHUP, also where nothing has changed', async () => {
    const { signals, lines, applied } = await gateway({ to: 'http://a' }, 'signal.json')
    signals.emit('SIGHUP')
    await line(lines, 'RELOADED')
    assert.equal(applied.length, 1)
  })

  test('that is wrong is refused, and the next good one is taken', async () => {
    const { put, lines, applied } = await gateway({ to: 'http://a' }, 'bad.json')
    await put('{"to": "ftp://a"}')
    assert.match(await line(lines, 'RELOAD_REFUSED'), /goes on as before: to ftp:\/\/a: the gateway does not speak ftp/)
    await put('{"to"')
    assert.match(await line(lines, 'RELOAD_REFUSED'), /it is not valid JSON/)
    assert.deepEqual(applied, [])
    await put({ to: 'http://b' })
    await line(lines, 'RELOADED')
    assert.equal(applied.length, 1)
  })

  test('of several writes is one', async () => {
    const { put, lines, applied } = await gateway({ to: 'http://a' }, 'burst.json')
    for (const to of ['http://b', 'http://c', 'http://d']) {
      await put({ to })
      await sleep(settleMs / 5)
    }
    await line(lines, 'RELOADED')
    await sleep(settleMs * 3)
    assert.equal(applied.length, 1)
    assert.equal(applied[0]?.config.groups['default']?.upstreams[0]?.url, 'http://d')
  })

  test('does not follow what nobody named in the same folder', async () => {
    const { put, lines } = await gateway({ to: 'http://a' }, 'quiet.json')
    await put({ to: 'http://b' })
    await line(lines, 'RELOADED')
    await writeFile(join(folder, 'other.txt'), 'x')
    await sleep(settleMs * 3)
    assert.deepEqual(lines, [])
  })

  test('says what needs a restart, each time it is asked for', async () => {
    const { put, lines } = await gateway({ to: 'http://a', listen: { port: 81 } }, 'restart.json', () => ['and this'])
    for (const port of [82, 83]) {
      await put({ to: 'http://a', listen: { port } })
      assert.equal(await line(lines, 'NEEDS_RESTART'), `listen: http://*:${port} needs a restart; http://*:81 stays`)
      assert.equal(await line(lines, 'NEEDS_RESTART'), 'and this')
    }
  })

  test('has ended once nobody wants it', async () => {
    const { put, lines, signals } = await gateway({ to: 'http://a' }, 'ended.json')
    stop()
    await put({ to: 'http://b' })
    assert.equal(signals.listenerCount('SIGHUP'), 0)
    await sleep(settleMs * 3)
    assert.deepEqual(lines, [])
  })
})

test('a running gateway keeps its listeners, its policy and its spool', async () => {
  const plan = async (...argv: string[]) => (await loadGateway(['--to', 'http://a', ...argv], {}, folder)).plan
  const before = await plan('--port', '81')
  assert.deepEqual(
    needsRestart(before, await plan('--port', '81', '--upstream-read-timeout', '1s', '--buffer', 'off')),
    [],
  )
  assert.deepEqual(
    needsRestart(
      before,
      await plan('--port', '81', '--host', '::1', '--idle-timeout', '9s', '--spool-dir', folder, '--engine', 'native'),
    ),
    [
      'listen: http://[::1]:81 needs a restart; http://*:81 stays',
      'listen: engine: native needs a restart; hangup stays',
      'idleTimeoutMs: 9s needs a restart; 5s stays',
      'keepAliveHintMs: 8s needs a restart; 4s stays',
      `spoolDir: ${folder} needs a restart; null stays`,
    ],
  )
})
