/** `send`: sends a text as it is, once or again and again. */
import * as v from 'valibot'
import { paceMs, spanMs } from '../judge/window.ts'
import { count, milliseconds, setup, span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({
    send: v.string(),
    /** More placeholders: `{quiet}` becomes the span in ms. */
    with: v.optional(v.record(v.string(), span)),
    /**
     * Again and again at this pace: so many times, for so long, or (without waiting) until the
     * connection has ended.
     */
    everyMs: v.optional(milliseconds),
    times: v.optional(count),
    for: v.optional(span),
    until: v.optional(v.literal('closed')),
    /**
     * A slower pace where that would be more often than so: servers count fields and bytes as well
     * as time.
     */
    atMost: v.optional(v.strictObject({ times: count, within: span })),
    setup,
  }),
  durationMs({ with: more = {}, everyMs = 0, times = 1, for: lasting, until }, limits) {
    const sending = lasting !== undefined ? spanMs(lasting, limits) : until === undefined ? everyMs * (times - 1) : 0
    // A page that is asked to take its time.
    return Object.values(more).reduce<number>((sum, each) => sum + spanMs(each, limits), sending)
  },
  async run(step, play) {
    const connection = await play.connection()
    const text = play.fill(step.send, step.with)
    play.noteHeads(connection, text)
    connection.send(text)
    if (step.everyMs === undefined) return
    if (step.until === 'closed') {
      play.every(paceMs(step, play.target), () => {
        if (connection.end === 'open') connection.send(text)
        return connection.end === 'open'
      })
      return
    }
    const untilMs = step.for === undefined ? Number.POSITIVE_INFINITY : play.now() + play.ms(step.for)
    for (let sent = 1; sent < (step.times ?? Number.POSITIVE_INFINITY) && play.now() < untilMs; sent++) {
      await play.sleep(step.everyMs)
      if (connection.end !== 'open') throw play.endedInstead(connection, 'while it was still being sent to')
      connection.send(text)
    }
  },
})
