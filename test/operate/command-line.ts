/** The command line on a runtime, and servers with an admin listener. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runtimeCommands } from '../fixtures/start.ts'

/** What is started is gone at its end. */
export interface Lifetime {
  after(end: () => unknown): unknown
}

export type RuntimeName = keyof typeof runtimeCommands

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Without the variables of whoever runs the tests. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(HANGUP_|PORT$)/.test(name)),
)

export function start(t: Lifetime, runtime: RuntimeName, args: readonly string[], env = {}) {
  const [program, ...before] = commandOf(runtime)
  const child = spawn(program, [...before, ...args], { cwd: root, env: { ...environment, ...env } })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** What starts the program, up to the name of its command. */
export function commandOf(runtime: RuntimeName): readonly [string, ...string[]] {
  const [program, ...before] = runtimeCommands[runtime]
  return [program, ...before, `${root}src/cli.ts`]
}

export interface Ended {
  readonly status: number | string | null
  readonly out: string
  readonly err: string
}

/** Runs a command to its end. */
export async function run(t: Lifetime, runtime: RuntimeName, args: readonly string[], env = {}) {
  const child = start(t, runtime, args, env)
  const texts = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text
  })
  await once(child, 'close')
  return { status: child.exitCode ?? child.signalCode, ...texts } satisfies Ended
}

export interface Operated {
  readonly child: ChildProcess
  readonly url: string
  readonly port: number
  /** Of the admin listener, as `--admin` takes it. */
  readonly admin: string
}

/** A server that has an admin listener. */
export async function serve(t: Lifetime, runtime: RuntimeName, flags: readonly string[], env = {}) {
  const here = ['--host', '127.0.0.1', '--port', '0', '--report', 'json']
  const admin = flags.includes('--admin') ? [] : ['--admin', '127.0.0.1:0']
  const child = start(t, runtime, ['serve', ...here, ...admin, ...flags], env)
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  for await (const line of createInterface(child.stdout)) {
    const report = JSON.parse(line)
    return { child, url: report.url, port: Number(new URL(report.url).port), admin: report.admin } satisfies Operated
  }
  throw new Error(`it ended before it listened: ${err}`)
}
