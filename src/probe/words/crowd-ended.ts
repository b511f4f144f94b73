/** `crowdEnded`: the server has closed this many of a kept crowd, no more, no fewer. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { pollMs } from '../play.ts'
import { span } from '../terms.ts'
import { word } from '../word.ts'
import { keptBy } from './crowd.ts'

/** One too many would come now. */
const afterMs = 2 * harnessSlackMs

export default word({
  schema: v.strictObject({ crowdEnded: v.strictObject({ exactly: v.number(), within: span }) }),
  durationMs: () => afterMs,
  async run({ crowdEnded: { exactly, within } }, play) {
    const ended = () => keptBy(play).filter((connection) => connection.end !== 'open').length
    const deadlineMs = play.now() + play.ms(within) + harnessSlackMs
    while (ended() < exactly && play.now() < deadlineMs) await play.sleep(pollMs)
    await play.sleep(afterMs)
    play.note(`${ended()} ended`)
    if (ended() !== exactly) throw new CaseError('fail', `the server closed ${ended()} of the crowd, wanted ${exactly}`)
  },
})
