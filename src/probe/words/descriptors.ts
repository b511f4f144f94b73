/**
 * `descriptors`: the sockets that the server's process holds: noted, then more by so many, then
 * back to that number.
 */
import * as v from 'valibot'
import { socketCount } from '../client/kernel.ts'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { type Play, pollMs } from '../play.ts'
import { count, span } from '../terms.ts'
import { atOnce, word } from '../word.ts'

const noted = new WeakMap<Play, number>()

export default word({
  schema: v.strictObject({
    descriptors: v.union(
      [v.literal('note'), v.strictObject({ atLeastMore: count }), v.strictObject({ backWithin: span })],
      'expected "note", {"atLeastMore": number} or {"backWithin": time}',
    ),
  }),
  durationMs: atOnce,
  needsPid: true,
  async run({ descriptors: wanted }, play) {
    if (wanted === 'note') {
      noted.set(play, held(play))
      return
    }
    const more = () => held(play) - (noted.get(play) ?? 0)
    if ('atLeastMore' in wanted) {
      if (more() < wanted.atLeastMore) {
        throw new CaseError('setup-failed', `${more()} more sockets, wanted ${wanted.atLeastMore}`)
      }
      return
    }
    const deadlineMs = play.now() + play.ms(wanted.backWithin) + harnessSlackMs
    while (more() > 0 && play.now() < deadlineMs) await play.sleep(pollMs)
    play.note(`${more()} left`)
    if (more() > 0) throw new CaseError('fail', `${more()} sockets are still held`)
  },
})

function held({ target }: Play): number {
  const sockets = socketCount(target.pid ?? 0)
  if (sockets === null) throw new CaseError('harness-failed', 'the descriptors of the server’s process cannot be seen')
  return sockets
}
