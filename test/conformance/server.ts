/** Starts a runtime's server as a process of its own and learns from it where it listens and what it holds. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Enforcement } from '../../src/policy/enforcement.ts'
import { type OptionName, optionSpecs, type Policy } from '../../src/policy/policy.ts'
import { flagOf } from '../../src/policy/spelling.ts'
import { format } from '../../src/policy/units.ts'
import type { ProfileName } from '../../src/probe/case.ts'
import type { Target } from '../../src/probe/client/target.ts'
import { testsMayVanish } from '../../src/probe/client/vanish.ts'
import { type PathName, pathNames } from '../../src/probe/terms.ts'
import { type Profile, profiles } from './profiles.ts'
import type { Runtime, Transport } from './runtimes.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = `${root}node_modules/.bin/`

/** The project's own tools before the machine's. */
export const environment = {
  ...process.env,
  PATH: `${bin}:${root}test/node_modules/.bin:${process.env['PATH']}`,
  WRANGLER_SEND_METRICS: 'false',
}

export interface Server {
  readonly target: Target
  readonly stderr: () => string
  /** At once; resolves when the process is gone. */
  stop(): Promise<void>
}

/** It did not start; `option`: because it does not hold this one. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly options: readonly OptionName[]
  constructor(options: readonly OptionName[], stderr: string) {
    super(stderr.trim() || 'it ended without a word')
    this.options = options
  }
}

const startWithinMs = 30_000

const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach(killGroup))

/**
 * A limit that the runtime does not hold is a start-up error that names its flag: the server is then started without
 * it, and what it reports as enforced by nobody is not judged.
 */
export async function startServer(runtime: Runtime, profile: ProfileName, transport: Transport): Promise<Server> {
  const { app, policy } = profiles[profile]
  let given = policy
  for (;;) {
    try {
      return await start(runtime, profile, transport, { app, policy: given })
    } catch (error) {
      if (!(error instanceof RefusedError) || error.options.length === 0) throw error
      const refused = error.options
      given = Object.fromEntries(Object.entries(given).filter(([name]) => !refused.includes(name as OptionName)))
    }
  }
}

async function start(
  runtime: Runtime,
  profile: ProfileName,
  transport: Transport,
  { app, policy }: Profile,
): Promise<Server> {
  const [program = '', ...args] = runtime.command
  const flags = runtime.ready === 'report' ? policyFlags(policy as Partial<Policy>) : []
  const appFlags =
    runtime.ready === 'report' && app === 'fixture' && runtime.ownApp !== false ? ['--app', 'test/fixtures/app.ts'] : []
  const child = spawn(program, [...args, ...runtime.listen(0, transport), ...appFlags, ...flags], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: wrangler starts workerd, and both must end.
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const {
    promise: ready,
    resolve,
    reject,
  } = Promise.withResolvers<{ url: string; policy: Policy; enforcement: Enforcement }>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    const said = readyLine(runtime, stdout)
    if (said) resolve(said)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<{ code: number | null; stdout: string }>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code, stdout })
    })
  })
  child.once('error', reject)
  exited.then(() => reject(new RefusedError(named(stderr, policy as Partial<Policy>), stderr + stdout)))
  const timer = setTimeout(() => reject(new Error(`not listening after ${startWithinMs} ms: ${stderr}`)), startWithinMs)
  const stop = async () => {
    killGroup(child)
    await exited
  }
  try {
    const said = await ready
    const { hostname, port } = new URL(said.url)
    return {
      stop,
      stderr: () => stderr,
      target: {
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port),
        tls: transport === 'tls',
        policy: said.policy,
        enforcement: said.enforcement,
        profile,
        paths: Object.fromEntries(
          pathNames
            .filter((name) => !runtime.withoutPaths.includes(name))
            .map((name): [PathName, string] => [name, name === 'hello' ? '/' : `/${name}`]),
        ),
        vanish: testsMayVanish(),
        ...(runtime.ownProcess && {
          pid: child.pid,
          process: { signal: (name) => child.kill(name), exited },
        }),
      },
    }
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function readyLine(runtime: Runtime, stdout: string) {
  if (runtime.ready !== 'report') {
    const url = runtime.ready.line.exec(stdout)?.[1]
    return url === undefined ? null : { ...runtime.ready, url }
  }
  const line = /^\{.*\}$/m.exec(stdout)?.[0]
  return line === undefined ? null : (JSON.parse(line) as { url: string; policy: Policy; enforcement: Enforcement })
}

export function policyFlags(policy: Partial<Policy>): string[] {
  return (Object.entries(policy) as [OptionName, number][]).flatMap(([name, value]) => [
    flagOf(name),
    format(optionSpecs[name].kind, value),
  ])
}

/** Those of the options we gave that the error message names. */
function named(stderr: string, policy: Partial<Policy>): OptionName[] {
  return (Object.keys(policy) as OptionName[]).filter((name) => new RegExp(`${flagOf(name)}(?![\\w-])`).test(stderr))
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Gone between the look and the kill.
  }
}
