/** What happened on a connection, small enough to be kept for every case. */
import type { Connection, End, TimelineEvent } from '../client/client.ts'

export interface Timeline {
  /** Times count from when the case's first connection was there. */
  readonly events: readonly TimelineEvent[]
  /** How the server ended it. */
  readonly end: End
  /** When that was; of one that is open, when it was last looked at. */
  readonly untilMs: number
}

/** What is kept of one connection. */
const keptEvents = 48

export function timelineOf({ timeline, end, endedMs }: Connection, fromMs: number, nowMs: number): Timeline {
  const since = (atMs: number) => Math.round((atMs - fromMs) * 100) / 100
  const events = condense(timeline, keptEvents).map((event) => ({
    ...event,
    atMs: since(event.atMs),
    ...(event.untilMs !== undefined && { untilMs: since(event.untilMs) }),
  }))
  return { events, end, untilMs: since(endedMs ?? nowMs) }
}

/**
 * At most so many events, as far as bytes that came or went can be put together: those closest in
 * time first, never across anything else that happened.
 */
export function condense(events: readonly TimelineEvent[], most: number): readonly TimelineEvent[] {
  let kept = events
  const lastMs = events.at(-1)?.atMs ?? 0
  for (let gapMs = 1; kept.length > most; gapMs *= 2) {
    kept = joined(kept, gapMs)
    if (gapMs > lastMs) break
  }
  return kept
}

function joined(events: readonly TimelineEvent[], gapMs: number): TimelineEvent[] {
  const kept: TimelineEvent[] = []
  /** Where the last of each kind is, since anything else happened. */
  const last = new Map<TimelineEvent['what'], number>()
  for (const event of events) {
    if (event.what !== 'sent' && event.what !== 'received') {
      last.clear()
      kept.push(event)
      continue
    }
    const at = last.get(event.what)
    const before = at === undefined ? undefined : kept[at]
    if (at === undefined || !before || event.atMs - (before.untilMs ?? before.atMs) > gapMs) {
      last.set(event.what, kept.length)
      kept.push(event)
      continue
    }
    kept[at] = {
      ...before,
      untilMs: event.untilMs ?? event.atMs,
      bytes: (before.bytes ?? 0) + (event.bytes ?? 0),
      times: (before.times ?? 1) + (event.times ?? 1),
    }
  }
  return kept
}
