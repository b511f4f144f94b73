/**
 * Programs that a test starts: what they say, how they end. None outlives its test, or the process.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import process from 'node:process'
import type { Readable, Writable } from 'node:stream'
import { after } from 'node:test'
import { environment, root } from './runtimes.ts'

/** A test, or whatever else says when it is over. */
export interface Lifetime {
  after(end: () => unknown): unknown
}

/**
 * Of a suite: what its `before` starts is there for all of its tests. To be called where the suite
 * is described.
 */
export function suiteLifetime(): Lifetime {
  const ends: (() => unknown)[] = []
  after(async () => {
    for (const end of ends.splice(0)) await end()
  })
  return { after: (end) => ends.push(end) }
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly pid: number
  readonly child: ChildProcessByStdio<Writable | null, Readable, Readable>
  /** All that it has written so far. */
  stdout(): string
  stderr(): string
  /** Both, in the order in which they came. */
  said(): string
  /** The next whole line of its output. Rejects, with what it said, if it ends before. */
  nextLine(of?: 'stdout' | 'stderr'): Promise<string>
  /** Writes a line to it, and waits for the line that answers. */
  say(line: string): Promise<string>
  /** Ends its standard input. */
  endInput(): void
  /**
   * Resolves when all of its output matches. Rejects, with what it said, if it ends before or is
   * late.
   */
  until(pattern: RegExp, of?: 'stdout' | 'stderr' | 'both'): Promise<RegExpExecArray>
  /** It has ended, and all that it wrote is here. */
  readonly exited: Promise<Ended>
  /** To itself, not to what it has started. */
  signal(name: NodeJS.Signals): void
  /** SIGKILL, to it and to all that it has started; resolves when it is gone. */
  kill(): Promise<void>
}

export interface LaunchOptions {
  readonly cwd?: string
  /** More variables. */
  readonly env?: NodeJS.ProcessEnv
  /** Its standard input can be written to; otherwise there is none. */
  readonly stdin?: boolean
}

/** Programs start side by side on a machine that is busy with others. */
const saysWithinMs = 60_000

const running = new Set<number>()

/** A group of its own: gunicorn and wrangler start others, which must end as well. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone between the look and the kill.
  }
}

let watched = false
/** A test that is interrupted ends what it has started: groups of their own do not hear of it. */
function watch(): void {
  if (watched) return
  watched = true
  process.on('exit', () => running.forEach(killGroup))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Whoever else listens is what is tested.
      if (process.listenerCount(signal) === 1) process.exit(1)
    })
  }
}

/** Starts it, from the root. It is killed when its test is over, if it has one. */
export function launch(t: Lifetime | null, command: readonly string[], options: LaunchOptions = {}): Program {
  const [name = '', ...args] = command
  watch()
  const child = spawn(name, args, {
    cwd: options.cwd ?? root,
    env: { ...environment, ...options.env },
    stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    detached: true,
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>
  const { pid } = child
  if (pid !== undefined) running.add(pid)
  const texts = { stdout: '', stderr: '', both: '' }
  const read = { stdout: 0, stderr: 0 }
  let failure: Error | null = null
  let over = false
  const watchers = new Set<() => void>()
  const changed = () => watchers.forEach((look) => void look())
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text
      texts.both += text
      changed()
    })
  }
  const exited = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      if (pid !== undefined) running.delete(pid)
      over = true
      resolve({ code, signal, stdout: texts.stdout, stderr: texts.stderr })
      changed()
    })
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  child.once('error', (error) => {
    failure = error
    changed()
  })

  /** What `find` finds in its output, now or when more has come. */
  function awaited<T>(find: () => T | null): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const settle = (then: () => void) => {
      watchers.delete(look)
      clearTimeout(timer)
      then()
    }
    const fail = (why: string) =>
      settle(() => reject(new Error(`${command.join(' ')} ${why}: ${texts.stderr}${texts.stdout}`, { cause: failure })))
    const look = () => {
      const found = find()
      if (found !== null) settle(() => resolve(found))
      else if (failure !== null) fail(`failed with ${failure.message}`)
      else if (over) fail(`ended with ${child.signalCode ?? child.exitCode}`)
    }
    const timer = setTimeout(fail, saysWithinMs, `did not say it within ${saysWithinMs} ms`)
    watchers.add(look)
    look()
    return promise
  }

  const program: Program = {
    pid: pid ?? 0,
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    said: () => texts.both,
    nextLine: (of = 'stdout') =>
      awaited(() => {
        const end = texts[of].indexOf('\n', read[of])
        if (end < 0) return null
        const line = texts[of].slice(read[of], end)
        read[of] = end + 1
        return line
      }),
    say(line) {
      child.stdin?.write(`${line}\n`)
      return program.nextLine()
    },
    endInput: () => void child.stdin?.end(),
    until: (pattern, of = 'both') => awaited(() => pattern.exec(texts[of])),
    exited,
    signal: (name) => void child.kill(name),
    async kill() {
      if (pid !== undefined && !over) killGroup(pid)
      await gone
    },
  }
  // Not waited for: what the test has connected to it is ended next, before it hears of this.
  t?.after(() => void program.kill())
  return program
}

/** Runs it to its end. */
export const run = (t: Lifetime | null, command: readonly string[], options?: LaunchOptions): Promise<Ended> =>
  launch(t, command, options).exited

export interface Started extends Program {
  /** The first of its standard output. */
  readonly line: string
}

/** Resolves with its first line; what does not come to that is killed. */
export async function startProgram(
  t: Lifetime | null,
  command: readonly string[],
  options?: LaunchOptions,
): Promise<Started> {
  const program = launch(t, command, options)
  try {
    return { ...program, line: await program.nextLine() }
  } catch (error) {
    await program.kill()
    throw error
  }
}
