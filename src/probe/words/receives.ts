/** `receives`: after an upgrade, these bytes come (hexadecimal). */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import { hex, span } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ receives: hex, within: span }),
  durationMs: atOnce,
  async run({ receives, within }, play) {
    const connection = await play.connection()
    const wanted = Buffer.from(receives, 'hex')
    const came = await connection.until(
      () => connection.reader.raw?.includes(wanted) ?? false,
      play.now() + play.ms(within) + harnessSlackMs,
    )
    if (!came) {
      throw new CaseError('fail', `wanted ${receives}, got ${connection.reader.raw?.toString('hex') ?? 'no upgrade'}`)
    }
  },
})
