/** A bounded number of connections, shared out among cases; what a case will need and how long it will take, by its data. */
import { deferred } from '../../deferred.ts'
import type { Step } from '../case.ts'
import { type Limits, limitWindow, spanMs } from './window.ts'

interface Waiting {
  readonly count: number
  readonly priority: number
  go(): void
}

export class Budget {
  readonly size: number
  #free: number
  #waiting: Waiting[] = []

  constructor(size: number) {
    this.size = size
    this.#free = size
  }

  /**
   * Resolves when so many are free, to what gives them back. The highest priority goes first and is waited for: a crowd
   * is not passed over by those that are content with one.
   */
  take(count: number, priority: number): Promise<() => void> {
    const { promise, resolve } = deferred<() => void>()
    this.#waiting.push({ count: Math.min(count, this.size), priority, go: () => resolve(this.#release(count)) })
    this.#waiting.sort((a, b) => b.priority - a.priority)
    this.#share()
    return promise
  }

  #release(count: number): () => void {
    let taken = Math.min(count, this.size)
    return () => {
      this.#free += taken
      taken = 0
      this.#share()
    }
  }

  #share(): void {
    for (let next = this.#waiting[0]; next && next.count <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.count
      next.go()
    }
  }
}

/** Connections that a case has open at once, at most. */
export function connectionsOf(steps: readonly Step[]): number {
  let count = 0
  // Without a `connect` of its own a case starts on a connection all the same.
  let connects = 0
  for (const step of steps) {
    if ('connect' in step) connects += 1
    else if ('crowd' in step) count += step.crowd * connectionsOf(step.steps)
    else if ('alive' in step || 'counted' in step || 'refused' in step) count += 1
    else if ('race' in step) count += step.race.connections
    else if ('drain' in step) count += step.drain.idle + step.drain.busy + step.drain.active
  }
  return count + Math.max(1, connects)
}

/** How long a case takes on a server that holds these limits: the waits that its data asks for. */
export function durationMs(steps: readonly Step[], limits: Limits): number {
  let total = 0
  for (const step of steps) {
    if ('wait' in step) total += spanMs(step.wait, limits)
    else if ('quiet' in step) total += spanMs(step.quiet, limits)
    else if ('staysOpen' in step) total += spanMs(step.staysOpen, limits)
    else if ('held' in step) total += spanMs(step.held, limits)
    else if ('send' in step) {
      if (step.for !== undefined) total += spanMs(step.for, limits)
      else if (step.until === undefined) total += (step.everyMs ?? 0) * ((step.times ?? 1) - 1)
      // A page that is asked to take its time.
      for (const span of Object.values(step.with ?? {})) total += spanMs(span, limits)
    } else if ('sendPieces' in step) total += (step.sendPieces.length / step.bytes) * step.everyMs
    else if ('crowd' in step) total += durationMs(step.steps, limits)
    else if ('race' in step) total += (step.race.requests / step.race.connections) * limits.policy.keepAliveHintMs
    const due = dueOf(step)
    if (due) {
      const set = due.filter((name) => limits.policy[name] > 0)
      total += Math.max(0, ...set.map((name) => limitWindow(name, limits).latestMs))
    }
  }
  return total
}

function dueOf(step: Step) {
  const due =
    ('closes' in step && step.closes.due) ||
    ('gone' in step && step.gone) ||
    ('frame' in step && step.due) ||
    ('requestUntilClose' in step && step.due) ||
    ('answer' in step && step.answer.due) ||
    undefined
  return due && 'by' in due ? due.by : undefined
}
