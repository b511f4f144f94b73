/** SIGTERM and SIGINT: the first drains, the second cuts. */
import process from 'node:process'
import type { DrainResult } from '../lifecycle/drain.ts'
import { exitStatus } from '../policy/exit-status.ts'
import type { Running } from './contract.ts'
import type { Log } from './log.ts'

/** By number, for the exit status 128 + n that shells and supervisors read. */
const signals = { SIGINT: 2, SIGTERM: 15 } as const
type StopSignal = keyof typeof signals

/**
 * The same signal again within this time is the same wish: a terminal and systemd
 * (KillMode=control-group) signal every process of the group, and npm passes on to its child what
 * the child already got.
 */
const sameWishMs = 200

export interface SignalOptions {
  /**
   * Ends the process: 0 all answered, 1 something was cut, 128 + n after a second signal. Without
   * it nothing here does.
   */
  readonly exit?: (status: number) => void
  readonly log?: Log
  /** Requests in flight. With it the log says when the drain begins and how it ended. */
  readonly inFlight?: () => number | Promise<number>
  readonly process?: Pick<NodeJS.Process, 'on' | 'off'>
  /** Whether a person at a terminal may have pressed Ctrl-C. Default: if standard input is one. */
  readonly atTerminal?: boolean
  readonly now?: () => number
}

/**
 * `node:tty` brings all of `node:net` with it on Bun and Deno, so it is loaded when it is asked.
 * Node before 20.16 can't load so.
 */
const isAtTerminal = (): boolean => process.getBuiltinModule?.('node:tty').isatty(0) ?? process.stdin.isTTY

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** `closed`: whoever ended it, the process ends in the same way. Default: only a signal ends it. */
type Ending = Pick<Running, 'drain' | 'kill'> & Partial<Pick<Running, 'closed'>>

/** Returns what takes the handlers away again; they go by themselves once all is closed or cut. */
export function onSignals(running: Ending, options: SignalOptions = {}): () => void {
  const { exit, log, inFlight, atTerminal, now = () => performance.now() } = options
  const on = options.process ?? process
  let first: { signal: StopSignal; at: number } | null = null
  let cutting = false
  const handlers = (Object.keys(signals) as StopSignal[]).map((signal) => ({ signal, handler: () => stop(signal) }))

  for (const { signal, handler } of handlers) {
    try {
      on.on(signal, handler)
    } catch (error) {
      // Windows has no SIGTERM; a runtime may refuse to listen for it there.
      log?.({ level: 'info', code: 'SIGNAL_UNAVAILABLE', message: `${signal} cannot be handled: ${error}`, count: 1 })
    }
  }
  if (exit !== undefined) running.closed?.then((result) => first === null && ended(result), failed)
  return off

  function off(): void {
    for (const { signal, handler } of handlers) on.off(signal, handler)
  }

  function stop(signal: StopSignal): void {
    if (first === null) {
      first = { signal, at: now() }
      // Nobody balances load onto a program at a terminal: there is nobody to announce it to.
      const isPerson = signal === 'SIGINT' && (atTerminal ?? isAtTerminal())
      const announce = !isPerson
      const drained = running.drain({ announce })
      // Once it has begun, an engine under the ledger knows of every request.
      const requests = inFlight?.()
      if (typeof requests === 'number') tellOfDrain(requests, isPerson)
      else void requests?.then((count) => tellOfDrain(count, isPerson))
      drained.then((result) => !cutting && ended(result), failed)
    } else if (!cutting && (signal !== first.signal || now() - first.at > sameWishMs)) {
      cutting = true
      running.kill().then((result) => ended(result, 128 + signals[signal]), failed)
    }
  }

  function tellOfDrain(requests: number, isPerson: boolean): void {
    const left = `${counted(requests, 'request')} in flight`
    const again = isPerson ? 'Ctrl-C again to cut' : 'a second signal cuts'
    log?.({ level: 'info', code: 'DRAINING', message: `draining: ${left}, ${again}`, count: 1 })
  }

  function ended(
    { cut, eventStreams, webSockets }: DrainResult,
    status: number = cut > 0 ? exitStatus.failed : exitStatus.done,
  ): void {
    if (cut > 0) {
      const message = cutting ? 'a second signal cut a request' : 'drainTimeoutMs cut a request'
      log?.({ level: 'warn', code: 'DRAIN_CUT', message, count: cut })
    }
    if (inFlight !== undefined && first !== null) {
      const kinds = [
        ...(eventStreams ? [counted(eventStreams.ended, 'event stream')] : []),
        ...(webSockets ? [counted(webSockets.ended, 'WebSocket')] : []),
      ]
      const told = kinds.length > 0 ? `, ${kinds.join(' and ')} ended` : ''
      const seconds = ((now() - first.at) / 1000).toFixed(1)
      log?.({ level: 'info', code: 'DRAINED', message: `drained in ${seconds} s, ${cut} cut${told}`, count: 1 })
    }
    off()
    exit?.(status)
  }

  function failed(error: unknown): void {
    log?.({ level: 'error', code: 'DRAIN_FAILED', message: `the drain failed: ${error}`, count: 1 })
    off()
    exit?.(exitStatus.failed)
  }
}
