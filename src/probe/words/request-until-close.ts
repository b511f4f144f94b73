/**
 * `requestUntilClose`: sends this text every so many ms until a response says `Connection: close`;
 * that is due.
 */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { due, milliseconds } from '../terms.ts'
import { atOnce, word } from '../word.ts'
import { takeAnswer } from './answer.ts'

export default word({
  schema: v.strictObject({ requestUntilClose: v.string(), everyMs: milliseconds, due }),
  durationMs: atOnce,
  due: (step) => step.due,
  async run(step, play) {
    const connection = await play.connection()
    const { from, latestMs } = play.expect(connection, step.due)
    for (;;) {
      connection.send(play.fill(step.requestUntilClose))
      const answer = await takeAnswer({ status: '2xx', within: 5_000 }, play)
      if (answer.isLast) break
      if (play.now() - from > latestMs) {
        throw new CaseError('fail', `no response says Connection: close after ${Math.round(latestMs)} ms`)
      }
      await play.sleep(step.everyMs)
      if (connection.end !== 'open') throw play.endedInstead(connection, 'before a response said Connection: close')
    }
    // It may come only with the next request, so it may be later by one pause.
    play.inTime('close', play.now() - from, step.due, step.everyMs)
  },
})
