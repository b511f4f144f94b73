/** A command of hangup with several workers, on each engine. */
import { readFileSync } from 'node:fs'
import { type LaunchOptions, type Lifetime, launch, type Program } from '../lib/program.ts'
import { hangupOn, type RuntimeName, runtimeNames } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'
import { until as untilWithin } from '../lib/wait.ts'

export const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

const withinMs = 60_000

export const until = (holds: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> =>
  untilWithin(holds, what, withinMs)

/** A zombie has ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The processes that it has started; those that end are not among them. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number).filter(isAlive)

export interface Cluster extends Server {
  readonly admin: string
  /** Lines of the log with this code. */
  logged(code: string): number
  readonly status: Promise<number | null>
}

export const launchCluster = (
  t: Lifetime,
  runtime: RuntimeName,
  args: readonly string[],
  options?: LaunchOptions,
): Program => launch(t, hangupOn(runtime, ...args, '--report', 'json', '--log', 'json'), options)

/** Resolves when it has said that it serves. */
export async function startCluster(
  t: Lifetime,
  runtime: RuntimeName,
  args: readonly string[],
  options?: LaunchOptions,
): Promise<Cluster> {
  const server = await startServer(t, hangupOn(runtime, ...args, '--report', 'json', '--log', 'json'), options)
  return {
    ...server,
    url: server.url.replace(/\/?$/, '/'),
    admin: server.report['admin'],
    logged: (code) => server.stderr().split(`"code":"${code}"`).length - 1,
    status: server.exited.then(({ code }) => code),
  }
}
