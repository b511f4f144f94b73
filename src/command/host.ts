/** The process that a command runs in: what it reads of it, and its ways out. */
import process from 'node:process'
import { exitStatus } from '../policy/exit-status.ts'
import type { Env } from './env.ts'
import { knownInterfaces } from './interfaces.ts'

/** 1 is kept for a drain that had to cut. */
export const { cannotStart } = exitStatus

/** What a command touches of its process. */
export interface Host {
  readonly argv: readonly string[]
  readonly env: Env
  readonly columns: number
  /** Lines of the terminal that `err` writes to; undefined: it is none. */
  readonly rows?: number | undefined
  /** The network interfaces of this machine, as far as they may be asked for. */
  interfaces?(): ReturnType<typeof knownInterfaces>
  out(text: string): void
  err(text: string): void
  exit(status: number): void
}

/** Texts that no pipe or terminal has taken yet. */
let unwritten = 0
let whenWritten = (): void => {}

function write(stream: NodeJS.WriteStream, text: string): void {
  unwritten += 1
  // Not an empty write at the end: Bun says at once that that is done.
  stream.write(text, () => {
    unwritten -= 1
    if (unwritten === 0) whenWritten()
  })
}

export const thisProcess: Host = {
  argv: process.argv.slice(2),
  env: process.env,
  columns: process.stdout.columns ?? 100,
  rows: process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? process.stderr.rows : undefined,
  interfaces: knownInterfaces,
  out: (text) => write(process.stdout, text),
  err: (text) => write(process.stderr, text),
  exit: (status) => process.exit(status),
}

/**
 * The end of a command that prints and is done. A pipe takes 64 kB at once, and what it has not
 * taken when the process exits is lost; a reader that has gone wants no more.
 */
export function exitFlushed(status: number): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(status))
  if (unwritten === 0) process.exit(status)
  else whenWritten = () => process.exit(status)
}
