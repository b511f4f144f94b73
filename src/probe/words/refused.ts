/** `refused`: new connections are refused. */
import * as v from 'valibot'
import { Connection } from '../client/client.ts'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { pollMs } from '../play.ts'
import { milliseconds } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ refused: v.strictObject({ withinMs: milliseconds }) }),
  durationMs: atOnce,
  connections: () => 1,
  async run({ refused: { withinMs } }, play) {
    const deadlineMs = play.now() + withinMs + harnessSlackMs
    for (;;) {
      try {
        const connection = await Connection.open(play.target, { bare: true, timeoutMs: 500 })
        connection.destroy()
      } catch {
        return
      }
      if (play.now() > deadlineMs) throw new CaseError('fail', 'new connections are still accepted')
      await play.sleep(pollMs)
    }
  },
})
