/**
 * How a probe is getting on: redrawn on a terminal, a line for each case that is done elsewhere.
 */
import { backgroundClock, type Clock } from '../../lifecycle/clock.ts'
import { every } from '../../lifecycle/time.ts'
import type { Case } from '../case.ts'
import { isRed, type Verdict } from '../judge/verdict.ts'
import type { CaseRun } from '../run.ts'

export interface Progress {
  watch(theCase: Case, state: 'running' | CaseRun): void
  /** Takes away what was drawn. */
  end(): void
}

interface Screen {
  readonly columns: number
  readonly rows: number
  write(text: string): void
}

const marks: Record<Verdict, string> = {
  pass: '✓',
  deviation: '≠',
  observed: '○',
  'not-judged': '·',
  fail: '✗',
  'unexpected-pass': '✗',
  'setup-failed': '✗',
  'harness-failed': '✗',
}

export const silent: Progress = { watch() {}, end() {} }

export function lines(write: (text: string) => void): Progress {
  return {
    watch({ id }, state) {
      // What can't be judged is told once, at the end, with the flag that would let it.
      if (state === 'running' || state.verdict === 'not-judged') return
      const { verdict, observed, observedMs } = state
      write(`${[marks[verdict], id, observed, time(observedMs)].filter((part) => part !== null).join(' ')}\n`)
    },
    end() {},
  }
}

const time = (ms: number | null) => (ms === null ? null : `${(ms / 1_000).toFixed(2)} s`)

const redrawMs = 100

/** A mark for each case that is done, and below it those that run, the longest first. */
export function redrawn(screen: Screen, total: number, clock: Clock = backgroundClock): Progress {
  const running = new Map<string, number>()
  const done = new Map<string, { readonly mark: string; readonly red: boolean }>()
  const startedMs = clock.now()
  let drawn = 0
  const stop = every(redrawMs, clock, draw)

  function erase(): string {
    return drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`
  }

  function draw(): void {
    const elapsed = `${((clock.now() - startedMs) / 1_000).toFixed(0)} s`
    const red = [...done.values()].filter((one) => one.red).length
    const head = `${elapsed}  ${done.size} of ${total} done, ${running.size} running${red > 0 ? `, ${red} failed` : ''}`
    const grid = [...done.values()].map(({ mark }) => mark).join('')
    const width = Math.max(20, screen.columns - 1)
    const gridLines = grid === '' ? [] : (grid.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [])
    const room = Math.max(1, screen.rows - gridLines.length - 3)
    const waits = [...running]
      .slice(0, room)
      .map(([id, sinceMs]) => `  ${id}  ${((clock.now() - sinceMs) / 1_000).toFixed(1)} s`)
    const more = running.size > room ? [`  and ${running.size - room} more`] : []
    const all = [head, ...gridLines, ...waits, ...more].map((line) => line.slice(0, width))
    screen.write(`${erase()}${all.join('\n')}\n`)
    drawn = all.length
  }

  return {
    watch({ id }, state) {
      if (state === 'running') {
        if (!running.has(id)) running.set(id, clock.now())
        return
      }
      running.delete(id)
      done.set(id, { mark: marks[state.verdict], red: isRed(state.verdict) })
    },
    end() {
      stop()
      screen.write(erase())
      drawn = 0
    },
  }
}
