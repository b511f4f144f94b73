/** `held`: for this long the server's process keeps its socket. */
import * as v from 'valibot'
import { heldByServer } from '../client/kernel.ts'
import { CaseError } from '../judge/verdict.ts'
import { spanMs } from '../judge/window.ts'
import { pollMs } from '../play.ts'
import { span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ held: span }),
  durationMs: ({ held }, limits) => spanMs(held, limits),
  async run({ held }, play) {
    const connection = await play.connection()
    const fromMs = play.now()
    while (play.now() - fromMs < play.ms(held)) {
      await play.sleep(pollMs)
      if (!heldByServer(play.target.port, connection.localPort, fromMs, play.clock)) {
        throw new CaseError('fail', `the server let go of its socket after ${Math.round(play.now() - fromMs)} ms`)
      }
    }
  },
})
