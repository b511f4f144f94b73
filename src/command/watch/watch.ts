/**
 * `hangup serve --watch`: the server is a process of its own, and another takes its place after
 * each change. The new one loads the app first: what does not load changes nothing. The old one
 * answers what it has, then ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { FileWatch } from '../../gateway/watch.ts'
import { backgroundClock } from '../../lifecycle/clock.ts'
import { exitStatus } from '../../policy/exit-status.ts'
import { importedBy } from './imports.ts'
import { type Order, type Word, watchedVariable } from './messages.ts'

export interface WatchOptions {
  /** The module of the app, absolute. */
  readonly app: string
  /** Other files whose change counts: certificates. */
  readonly files: readonly string[]
  /** Starts the same command without `--watch`. */
  readonly command: readonly [string, ...string[]]
  say(line: string): void
  exit(status: number): void
}

interface Server {
  readonly child: ChildProcess
  listens: boolean
}

export async function watchApp({ app, files, command, say, exit }: WatchOptions): Promise<void> {
  const servers = new Set<Server>()
  let current: Server | null = null
  let next: Server | null = null
  let port: number | null = null
  let stopping = false

  const watch = new FileWatch(
    backgroundClock,
    () => void restart(),
    (folder, why) => {
      say(`changes in ${folder} are not seen: ${why}`)
    },
  )
  const follow = async () => watch.follow([...(await importedBy(app)), ...files])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))
  await follow()
  // While no server is there, nothing else keeps this process.
  setInterval(() => {}, 2 ** 31 - 1)
  next = start()

  async function restart(): Promise<void> {
    if (stopping) return
    await watch.mark()
    await follow()
    if (stopping) return
    // One that still loads would come too late.
    next?.child.kill('SIGKILL')
    next = start()
  }

  function start(): Server {
    const [program, ...args] = command
    const kept = current === null && port === null ? '' : String(port ?? 0)
    const child = spawn(program, args, {
      env: { ...process.env, [watchedVariable]: kept },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    const server: Server = { child, listens: false }
    servers.add(server)
    child.on('message', (word: Word) => heard(server, word))
    child.once('error', (error) => say(`the server cannot be started: ${error.message}`))
    child.once('close', (code, signal) => ended(server, code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)))
    return server
  }

  function order({ child }: Server, what: Order): void {
    if (child.connected) child.send(what)
  }

  function heard(server: Server, word: Word): void {
    if (server !== next || stopping) return
    if (word === 'loaded') {
      if (current !== null) order(current, 'leave')
      order(server, 'listen')
    } else if (typeof word === 'object') {
      if (current !== null) say('restarted')
      server.listens = true
      port = word.listensOn ?? port
      current = server
      next = null
    }
  }

  function ended(server: Server, status: number): void {
    servers.delete(server)
    if (stopping) {
      if (servers.size === 0) exit(status)
      return
    }
    if (server === next) {
      next = null
      say(current === null ? 'waiting for a change' : 'the change does not load; the server before it goes on')
    } else if (server === current) {
      current = null
      if (next === null) say(`the server ended with status ${status}; waiting for a change`)
    }
  }

  function stop(signal: 'SIGINT' | 'SIGTERM'): void {
    stopping = true
    watch.close()
    for (const { child } of servers) tell(child, signal)
    if (servers.size === 0) exit(exitStatus.done)
  }
}

/**
 * Not `child.kill()`: Deno then reports the signal as the end of the child, whatever its status
 * was.
 */
function tell({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal)
  } catch {
    // Gone, and not yet heard of.
  }
}
