/**
 * The messages of one turn of the event loop, written together at its end, before the loop waits
 * again: whoever reads them on another core is woken once and not for each (as Redis does before it
 * sleeps). A tenth of what a small request through the gateway costs.
 */
import { setImmediate } from 'node:timers'

export interface TurnWriter {
  /** Once for each `atEndOfTurn`. */
  endTurn(): void
}

let waiting: TurnWriter[] = []
/** The list of the turn before, empty. */
let spare: TurnWriter[] = []

export function atEndOfTurn(writer: TurnWriter): void {
  if (waiting.length === 0) setImmediate(endTurn)
  waiting.push(writer)
}

/** What is written in answer to this is for the next turn, so that the loop goes on. */
function endTurn(): void {
  const writers = waiting
  waiting = spare
  let ended = 0
  try {
    while (ended < writers.length) writers[ended++]!.endTurn()
  } finally {
    // One that has thrown does not keep the others.
    for (const left of writers.slice(ended)) atEndOfTurn(left)
    writers.length = 0
    spare = writers
  }
}
