/** `received`: at least this many bytes have come. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { count, setup, span } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ received: count, within: span, setup }),
  durationMs: atOnce,
  async run({ received: bytes, within }, play) {
    const connection = await play.connection()
    await connection.until(
      () => connection.receivedBytes >= bytes || connection.end !== 'open',
      play.now() + play.ms(within) + harnessSlackMs,
    )
    if (connection.receivedBytes < bytes) {
      throw new CaseError('fail', `${connection.receivedBytes} bytes came, wanted ${bytes}`, play.label(connection))
    }
  },
})
