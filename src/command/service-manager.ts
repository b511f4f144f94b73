/**
 * Tells systemd of a service of `Type=notify` that it is ready, alive and stopping. The runtimes
 * have no datagrams on Unix sockets, so `systemd-notify` sends them; the unit says
 * `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process'
import process from 'node:process'
import type { Clock } from '../lifecycle/clock.ts'
import type { Running } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import type { Env } from './env.ts'

export interface ServiceManagerParts {
  readonly env: Env
  readonly clock: Clock
  readonly log: Log
  /**
   * Sends one assignment of sd_notify(3), as an argument of `systemd-notify`. Default: that program
   * does.
   */
  readonly send?: (assignment: string) => Promise<void>
}

type Ending = Pick<Running, 'drain' | 'kill' | 'closed'>

interface Supervised extends Ending {
  /** Everything is replaced while it goes on; returns what is to be called when that is done. */
  reloading?(): () => void
}

/**
 * Ready from now on. Returns the same server, whose drain is told as well; elsewhere nothing is
 * told.
 */
export function tellServiceManager(server: Ending, parts: ServiceManagerParts): Supervised {
  const { env, clock, log, send = throughProgram } = parts
  if (typeof env['NOTIFY_SOCKET'] !== 'string' || env['NOTIFY_SOCKET'] === '') return server
  let hasFailed = false
  const tell = (assignment: string): void => {
    send(assignment).catch((error) => {
      if (hasFailed) return
      hasFailed = true
      const message = `systemd is not told of ${assignment}: ${error.message}`
      log({ level: 'warn', code: 'NOTIFY_FAILED', message, count: 1 })
    })
  }
  tell('READY=1')
  const everyMs = watchdogMs(env) / 2
  // A blocked event loop tells nothing.
  const beat = (): void => {
    cancel = clock.after(everyMs, beat)
    tell('WATCHDOG=1')
  }
  let cancel = everyMs > 0 ? clock.after(everyMs, beat) : () => {}
  return {
    drain(how) {
      tell('STOPPING=1')
      return server.drain(how)
    },
    reloading() {
      // With the time that systemd wants beside it.
      tell('--reloading')
      return () => tell('--ready')
    },
    kill: () => server.kill(),
    closed: server.closed.finally(() => cancel()),
  }
}

/** 0: there is none, or it is another process's. */
export function watchdogMs({ WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid }: Env): number {
  if (pid !== undefined && pid !== String(process.pid)) return 0
  return Number(microseconds) / 1_000 || 0
}

function throughProgram(assignment: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemd-notify', [assignment], (error, _, stderr) => {
      if (error === null) resolve()
      else reject(new Error(stderr.trim() || error.message, { cause: error }))
    })
  })
}
