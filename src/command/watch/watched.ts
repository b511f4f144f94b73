/**
 * The server's side of `--watch`: it loads its app, listens when it is told to, and ends with the
 * command that started it.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from '../../deferred.ts'
import { exitStatus } from '../../policy/exit-status.ts'
import type { Running } from '../../serve/contract.ts'
import { type Order, type Word, watchedVariable } from './messages.ts'

const portIsFreeWithinMs = 5_000
const tryAgainMs = 5
const lookEveryMs = 500

export interface Watched {
  /** The port to keep, where the first server chose one. */
  readonly port: number | null
  /** A server was there before it. */
  readonly isLater: boolean
  /** Resolves when the server before has left its port. */
  mayListen(): Promise<void>
  /** `listen` again until the server before has closed its listener. */
  listening(listen: () => Promise<Running>): Promise<Running>
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Null: nobody watches. */
export function watchedBy(): Watched | null {
  const given = process.env[watchedVariable]
  if (given === undefined || process.send === undefined) return null
  delete process.env[watchedVariable]
  const leaveAlone = () => process.exit(exitStatus.failed)
  const say = (word: Word) =>
    void process.send?.(word, undefined, undefined, (error: unknown) => {
      if (error) leaveAlone()
    })
  const told = deferred<void>()
  let running: Running | null = null
  process.on('message', (order: Order) => {
    if (order === 'listen') return told.resolve()
    if (running === null) return process.exit(exitStatus.done)
    // Its port is the next one's.
    void running.admin?.close()
    running.drain({ announce: false }).then(() => process.exit(exitStatus.done))
  })
  // However the command ended, also by SIGKILL. Deno does not always tell of it: it is looked at as well.
  process.on('disconnect', leaveAlone)
  const command = process.ppid
  setInterval(() => isAlive(command) || leaveAlone(), lookEveryMs).unref()
  return {
    port: given === '' ? null : Number(given),
    isLater: given !== '',
    async mayListen() {
      say('loaded')
      await told.promise
    },
    async listening(listen) {
      for (const until = performance.now() + portIsFreeWithinMs; ; await sleep(tryAgainMs)) {
        try {
          running = await listen()
          const port = Number(new URL(running.url).port)
          say({ listensOn: Number.isNaN(port) ? null : port })
          return running
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || given === '' || performance.now() > until)
            throw error
        }
      }
    },
  }
}
