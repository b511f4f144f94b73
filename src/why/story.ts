/** A connection's moves as a story: when each came, and the state that it led to. Pure. */
import { beginnings, type Ending, endingMoves, type Pair, type State, stateOf, step } from '../lifecycle/states.ts'
import type { Mark, TrailMove } from '../lifecycle/trail.ts'

export interface Chapter {
  readonly atMs: number
  /** `opened`: the accept. */
  readonly mark: Mark | 'opened'
  /** From here on; null: moves before it were not kept. */
  readonly state: State | null
}

interface Recorded {
  readonly moves: readonly TrailMove[]
  readonly movesLeftOut: number
}

/** `phase`: the state in which somebody was to blame for its end, if it has ended. */
export function storyOf({ moves, movesLeftOut }: Recorded, phase: State | null): Chapter[] {
  const isTls = phase === 'handshake' || moves[0]?.mark === 'secured'
  let pair: Pair | null = movesLeftOut > 0 ? null : beginnings[isTls ? 'handshake' : 'accepted']
  let ending: Ending = 'open'
  const now = (): State | null => (ending === 'lingering' || ending === 'closed' ? 'closing' : (pair?.state ?? null))
  const chapters: Chapter[] = movesLeftOut > 0 ? [] : [{ atMs: 0, mark: 'opened', state: now() }]
  for (const { mark, atMs } of moves) {
    // That a response is the last is noted with the time of its request.
    const notBeforeMs = chapters.at(-1)?.atMs ?? 0
    if (mark === 'last' || mark === 'ended' || mark === 'gone') ending = endingMoves[ending][mark]
    else if (mark !== 'bodyRefused' && mark !== 'left' && pair !== null) pair = step(pair, mark)
    chapters.push({ atMs: Math.max(atMs, notBeforeMs), mark, state: pair === null ? now() : stateOf(pair, ending) })
  }
  return chapters
}
