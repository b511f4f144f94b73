/**
 * `frame`: on HTTP/2, one of these comes next among what else comes (so many times), when it is
 * due.
 */
import * as v from 'valibot'
import type { Connection } from '../client/client.ts'
import type { Frame } from '../client/h2.ts'
import { CaseError } from '../judge/verdict.ts'
import { count, due, setup } from '../terms.ts'
import { atOnce, word } from '../word.ts'

/**
 * What is looked for among the frames of a session; `answer`: HEADERS with a status, `end`:
 * END_STREAM, `announcement`: a GOAWAY that still takes every request.
 */
const events = [
  'settings',
  'settings ack',
  'ping ack',
  'answer',
  'data',
  'end',
  'rst_stream',
  'announcement',
  'goaway',
] as const

/** The first GOAWAY of two (RFC 9113 6.8). */
const lastStreamOfAll = 2 ** 31 - 1

/** Frames of a connection that steps have already looked at. */
const taken = new WeakMap<Connection, number>()

export default word({
  schema: v.strictObject({
    frame: v.pipe(v.array(v.picklist(events)), v.minLength(1)),
    status: v.optional(v.number()),
    /** Of the frame's payload. */
    bytes: v.optional(count),
    /** The request is refused: with a 4xx or 5xx, where it is answered. */
    refusal: v.optional(v.literal(true)),
    /** Nothing has come before it. */
    first: v.optional(v.literal(true)),
    times: v.optional(count),
    due,
    setup,
  }),
  durationMs: atOnce,
  due: (step) => step.due,
  async run({ frame: wanted, status, bytes, first, refusal, times = 1, due: until, setup }, play) {
    const connection = await play.connection()
    const frames = connection.h2?.frames ?? []
    const { from, latestMs } = play.expect(connection, until)
    let left = times
    let last: Frame | undefined
    const look = () => {
      let at = taken.get(connection) ?? 0
      while (left > 0 && at < frames.length) {
        const frame = frames[at++]
        if (!frame || !wanted.some((event) => isEvent(frame, event))) continue
        left -= 1
        last = frame
      }
      taken.set(connection, at)
      return left === 0
    }
    await connection.until(() => look() || connection.end !== 'open', from + latestMs)
    const names = wanted.join(' or ')
    if (!last || left > 0) {
      const missing = times > 1 ? `${times - left} of ${times} ${names}` : `no ${names}`
      if (connection.end !== 'open') throw play.endedInstead(connection, `with ${missing}`)
      throw new CaseError('fail', `${missing} after ${Math.round(play.now() - from)} ms`, 'open')
    }
    const what = [last.type, last.error ?? last.status].filter((part) => part !== null).join(' ')
    if (status !== undefined && last.status !== status) {
      throw new CaseError('fail', `the response is ${last.status}, wanted ${status}`)
    }
    if (refusal && last.status !== null && last.status < 400) {
      throw new CaseError('fail', `the response is ${last.status}, wanted a refusal`)
    }
    if (bytes !== undefined && last.bytes !== bytes) {
      throw new CaseError('fail', `${last.type} of ${last.bytes} bytes, wanted ${bytes}`)
    }
    if (first && last !== frames[0]) throw new CaseError('fail', `${frames[0]?.type} comes before ${names}`)
    const { seen } = play
    const before = seen.observed
    if ('by' in until || last.error !== null || seen.observedMs === null) seen.observed = what
    play.inTime(what, last.atMs - from, until)
    // What only leads to the question is nothing that a report should show.
    if (setup) seen.observed = before
  },
})

function isEvent({ type, ack, status, endStream, lastStream }: Frame, event: (typeof events)[number]): boolean {
  if (event === 'settings') return type === 'settings' && !ack
  if (event === 'settings ack' || event === 'ping ack') return `${type} ack` === event && ack
  if (event === 'answer') return status !== null
  if (event === 'announcement') return lastStream === lastStreamOfAll
  return event === 'end' ? endStream : type === event
}
