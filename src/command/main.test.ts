import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LongLived } from '../lifecycle/long-lived.ts'
import { checkEnforcement } from '../policy/check-enforcement.ts'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import type { Resolved } from '../policy/resolve.ts'
import type { App, Running, ServeOptions } from '../serve/contract.ts'
import { listenError } from '../serve/prepare.ts'
import { runningFake } from '../serve/running.fake.ts'
import type { Host } from './host.ts'
import { type Entry, main } from './main.ts'

const exact: Enforced = { by: 'us', stepMs: 0, how: 'in memory' }
const enforcement: Enforcement = {
  ...(Object.fromEntries(optionNames.map((option) => [option, exact])) as Enforcement),
  maxConnections: { by: 'nobody', stepMs: 0, how: 'nothing is connected' },
}

async function run(argv: string[], env: Record<string, string> = {}, failure?: Error) {
  const served: { app: App; options: ServeOptions }[] = []
  const seen = { out: '', err: '', statuses: [] as number[] }
  const entry: Entry = {
    runtime: 'memory',
    plan: async (options, resolved) => ({
      engine: 'native',
      why: 'asked for',
      longLived: new LongLived(resolved.policy, Math.random),
      serve: (app) => serve(app, options, resolved),
    }),
  }
  async function serve(app: App, options: ServeOptions, resolved: Resolved): Promise<Running> {
    checkEnforcement(resolved, enforcement, 'memory')
    if (failure) throw failure
    served.push({ app, options })
    return runningFake({ port: options.port, policy: resolved.policy, enforcement })
  }
  const host: Host = {
    argv,
    env,
    columns: 100,
    out: (text) => {
      seen.out += text
    },
    err: (text) => {
      seen.err += text
    },
    exit: (status) => void seen.statuses.push(status),
  }
  const before = { SIGTERM: process.listeners('SIGTERM'), SIGINT: process.listeners('SIGINT') }
  await main(entry, host)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    for (const listener of process.listeners(signal)) {
      if (!before[signal].includes(listener)) process.off(signal, listener)
    }
  }
  return { ...seen, served }
}

describe('main', () => {
  test('serves the built-in app, leaves the signals to itself and prints the report', async () => {
    const { out, err, statuses, served } = await run(['--port', '81', '--idle-timeout', '9s'])
    assert.equal(served[0]?.options.port, 81)
    assert.equal(served[0]?.options.signals, false)
    assert.equal(served[0]?.options.idleTimeoutMs, 9_000)
    const { app } = served[0]!
    const fetch = typeof app === 'function' ? app : app.fetch
    assert.equal((await fetch(new Request('http://a/healthz'))).status, 200)
    assert.match(out, /^hangup on memory: http:\/\/127\.0\.0\.1:81\/\nengine: none \(asked for\)\n/)
    assert.match(out, /idle-timeout +9s +flag/)
    assert.equal(err, '')
    assert.deepEqual(statuses, [])
  })

  test('--report chooses what is printed', async () => {
    const json = await run(['--port', '81', '--report', 'json'])
    assert.equal(JSON.parse(json.out).url, 'http://127.0.0.1:81/')
    assert.equal((await run([], { HANGUP_REPORT: 'none' })).out, '')
  })

  test('says on stderr what is wrong, without a stack, and exits 2', async () => {
    const { out, err, statuses, served } = await run(['--idle-timeout', '5'], { HANGUP_HEAD_TIMEOUT: 'x' })
    assert.match(err, /^hangup: 2 problems:\n {2}HANGUP_HEAD_TIMEOUT: "x".*\n {2}--idle-timeout: "5" has no unit.*\n$/)
    assert.equal(out, '')
    assert.deepEqual(statuses, [2])
    assert.deepEqual(served, [])
  })

  test('an error that serve() finds names the flag as well', async () => {
    const { err, statuses } = await run(['--max-connections', '5'])
    assert.match(err, /^hangup: --max-connections 5: on memory nothing enforces it \(nothing is connected\)/)
    assert.deepEqual(statuses, [2])
  })

  test('a port that is taken needs no stack', async () => {
    const taken = listenError(Object.assign(new Error('listen :::81'), { code: 'EADDRINUSE' }), { port: 81 })
    assert.equal(
      (await run([], {}, taken)).err,
      'hangup: cannot listen on port 81: the port is in use; choose another port, or end the server that has it\n',
    )
    assert.match((await run([], {}, new Error('a bug'))).err, /^hangup: Error: a bug\n +at /)
  })

  test('--help and --version serve nothing and exit 0, whatever else is wrong', async () => {
    const help = await run(['--nonsense', '--help'])
    assert.match(help.out, /^Usage: memory runtimes\/memory\.ts \[<file>\] \[flags\]\n/)
    const version = await run(['--version'], { HANGUP_NONSENSE: '1' })
    assert.match(version.out, /^hangup \d+\.\d+\.\d+ on memory\n$/)
    for (const { served, statuses } of [help, version]) {
      assert.deepEqual(served, [])
      assert.deepEqual(statuses, [0])
    }
  })
})
