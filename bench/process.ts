/**
 * One server, started for a bench on a core of its own (Linux; elsewhere unpinned), and what the
 * kernel says of it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { createServer } from 'node:net'
import { promisify } from 'node:util'

export interface Contender {
  readonly name: string
  /** Program and arguments; the port is added as the last one, unless they are made for a port. */
  readonly command: readonly string[] | ((port: number) => readonly string[])
  /** It speaks TLS. */
  readonly secure?: boolean
  /** It knows no other request. */
  readonly onlyHello?: boolean
}

export interface Server {
  readonly port: number
  readonly secure: boolean
  readonly child: ChildProcess
  /**
   * The end of what it wrote on standard error. Shown only if it fails: a bare server has a line
   * for each body that a load cut off.
   */
  said(): string
}

export const pinned = process.platform === 'linux'
const serverCore = '0'
const loadCore = '1'
/** All that a bench uses. */
export const cores: readonly number[] = [serverCore, loadCore].map(Number)
const saidAtMost = 4_000
const run = promisify(execFile)

export const onServerCore = (command: readonly string[]): readonly string[] => onCore(serverCore, command)

export const onLoadCore = (command: readonly string[]): readonly string[] => onCore(loadCore, command)

const onCore = (core: string, command: readonly string[]): readonly string[] =>
  pinned ? ['taskset', '-c', core, ...command] : command

const backends: Server[] = []

/** What the compared servers ask in their turn, beside the load; whoever starts it ends it. */
export async function startBackend(contender: Contender): Promise<Server> {
  const server = await start(contender, loadCore)
  backends.push(server)
  return server
}

/** CPU time of the backends. */
export const backendSeconds = (): number =>
  backends.reduce((sum, { child }) => sum + (child.exitCode === null ? cpuSeconds(child.pid!) : 0), 0)

/** One server for as long as the work takes; it does not outlive a failure. */
export async function during<T>(contender: Contender, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await start(contender)
  try {
    return await work(server)
  } catch (error) {
    throw withWords(error, server)
  } finally {
    server.child.kill('SIGKILL')
  }
}

/** The failure, with what the server said before. */
export function withWords(error: unknown, server: Server): Error {
  const { exitCode, signalCode } = server.child
  const gone =
    exitCode === null && signalCode === null ? '' : `\nthe server ended: ${signalCode ?? `status ${exitCode}`}`
  const said = server.said() === '' ? '' : `\nthe server said:\n${server.said()}`
  return new Error(`${error instanceof Error ? error.message : error}${gone}${said}`, { cause: error })
}

export const commandOf = ({ command }: Contender, port: number): readonly string[] =>
  typeof command === 'function' ? command(port) : [...command, String(port)]

export async function start(contender: Contender, core = serverCore): Promise<Server> {
  const port = await freePort()
  const argv = commandOf(contender, port)
  const [program = '', ...args] = onCore(core, argv)
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-saidAtMost)
  })
  const server: Server = { port, secure: contender.secure ?? false, child, said: () => said.trim() }
  for (let attempt = 0; attempt < 100; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (child.exitCode !== null) break
    if (await answers(server)) return server
  }
  child.kill('SIGKILL')
  throw withWords(`bench: ${argv.join(' ')} did not answer`, server)
}

function answers({ port, secure }: Server): Promise<boolean> {
  const ask = secure ? secureRequest : request
  return new Promise((resolve) => {
    const asked = ask({ host: '127.0.0.1', port, agent: false, ...{ rejectUnauthorized: false } })
    asked.once('response', (response) => {
      response.resume().once('close', () => resolve(response.statusCode === 200))
    })
    asked.once('error', () => resolve(false)).end()
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

/** No server outlives the bench, however that ends. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const ticksPerSecond = 100

/** For a bench whose own process is the load. */
export async function moveToLoadCore(): Promise<void> {
  if (pinned) await run('taskset', ['-acp', loadCore, String(process.pid)])
}

/** Linux only; 0 elsewhere. taskset execs, so the pid is the server's own. */
export function cpuSeconds(pid: number): number {
  if (!pinned) return 0
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Linux only. */
export const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
