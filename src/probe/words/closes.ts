/** `closes`: the server ends the connection, when and how the step says. */
import * as v from 'valibot'
import { accepts, CaseError } from '../judge/verdict.ts'
import { due } from '../terms.ts'
import { atOnce, word } from '../word.ts'

/**
 * How a connection ended: `fin`, `reset` or `open`, with the response that came unasked before it
 * (`408 then fin`, `4xx then fin`), with the one that it broke off (`partial 200 then reset`), or
 * with the HTTP/2 session's last word (`goaway then fin`, whatever its code; `goaway NO_ERROR then
 * fin`).
 */
const outcome = v.pipe(
  v.string(),
  v.regex(
    /^((partial )?[1-5](\d\d|xx) then |goaway( [A-Z0-9_]+)? then )?(fin|reset|open)$/,
    'expected an outcome: "fin", "408 then fin", …',
  ),
)
const outcomes = v.pipe(v.array(outcome), v.minLength(1))

export default word({
  schema: v.strictObject({
    closes: v.strictObject({
      due,
      accept: outcomes,
      /**
       * What else the RFC allows: not what hangup does, and no failure of a server that has
       * promised nothing.
       */
      allowed: v.optional(outcomes),
    }),
  }),
  durationMs: atOnce,
  due: ({ closes }) => closes.due,
  async run({ closes: { due: until, accept, allowed = [] } }, play) {
    const connection = await play.connection()
    const { from, latestMs } = play.expect(connection, until)
    await connection.until(() => connection.end !== 'open', from + latestMs)
    const label = play.label(connection)
    const tookMs = (connection.endedMs ?? play.now()) - from
    play.seen.observed = label
    play.seen.observedMs = 'by' in until ? tookMs : null
    const also = play.isLenient ? [...allowed, ...byReset([...accept, ...allowed])] : []
    if (connection.end === 'open' && ![...accept, ...also].some((pattern) => pattern.endsWith('open'))) {
      const said = label === 'open' ? '' : `${label.replace(/ then open$/, '')}, and `
      throw new CaseError('fail', `${said}still open after ${Math.round(tookMs)} ms`, label)
    }
    if (!accept.some((pattern) => accepts(pattern, label))) {
      if (![...also, ...play.tolerated].some((pattern) => accepts(pattern, label))) {
        const { malformed } = connection.reader
        const said = malformed === null ? '' : `; ${malformed}`
        const wanted = accept.join(' or ')
        throw new CaseError('fail', `${label} after ${Math.round(tookMs)} ms, wanted ${wanted}${said}`, label)
      }
      play.seen.usedDeviation = true
    }
    if (connection.end === 'open') return
    const soonest = 'by' in until && until.soonestFrom ? play.anchorMs(connection, until.soonestFrom) : from
    play.inTime(label, tookMs, until, 0, from - soonest)
  },
})

/** How a connection is closed is the server's choice (RFC 9112 9.5). */
const byReset = (ends: readonly string[]): string[] => ends.map((end) => end.replace(/fin$/, 'reset'))
