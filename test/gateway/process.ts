/** Processes of a test: a gateway on one of the runtimes, or what stands behind it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { environment, root } from '../conformance/server.ts'
import { type GatewayRuntimeName, gatewayRuntimes } from './runtimes.ts'

const startWithinMs = 20_000

export interface Program {
  readonly pid: number
  /** What the first line of its output says. */
  readonly line: string
  stdout(): string
  stderr(): string
  readonly exited: Promise<{ readonly code: number | null; readonly stdout: string }>
  signal(name: NodeJS.Signals): void
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export interface Port {
  readonly port: number
}

const running = new Set<ChildProcessByStdio<null, Readable, Readable>>()
process.on('exit', () => running.forEach(killGroup))

function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone between the look and the kill.
  }
}

/** Resolves with its first whole line. */
export async function startProgram([program, ...args]: readonly [string, ...string[]], cwd = root): Promise<Program> {
  const child = spawn(program, args, {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: gunicorn's workers must end with it.
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const { promise: line, resolve, reject } = Promise.withResolvers<string>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    const end = stdout.indexOf('\n')
    if (end >= 0) resolve(stdout.slice(0, end))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<{ code: number | null; stdout: string }>((done) => {
    child.once('close', (code) => {
      running.delete(child)
      done({ code, stdout })
    })
  })
  child.once('error', reject)
  exited.then(({ code }) => reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)))
  const timer = setTimeout(() => reject(new Error(`${program} says nothing: ${stderr}`)), startWithinMs)
  const kill = async () => {
    killGroup(child)
    await exited
  }
  try {
    return {
      line: await line,
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      exited,
      signal: (name) => void child.kill(name),
      kill,
    }
  } catch (error) {
    await kill()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

export interface GatewayProcess extends Program, Port {}

/** On a free port of 127.0.0.1, in front of these; gone when its test is. */
export async function startGateway(
  t: Pick<TestContext, 'after'>,
  runtime: GatewayRuntimeName,
  to: readonly (string | Port)[],
  flags: readonly string[] = [],
): Promise<GatewayProcess> {
  const program = await startProgram([
    ...gatewayRuntimes[runtime],
    ...['--host', '127.0.0.1', '--port', '0', '--report', 'json'],
    ...to.flatMap((upstream) => ['--to', typeof upstream === 'string' ? upstream : urlOf(upstream)]),
    ...flags,
  ] as unknown as readonly [string, ...string[]])
  t.after(() => program.kill())
  const { urls } = JSON.parse(program.line) as { urls: readonly string[] }
  return { ...program, port: Number(new URL(urls[0] ?? '').port) }
}

export const urlOf = ({ port }: Port): string => `http://127.0.0.1:${port}`
