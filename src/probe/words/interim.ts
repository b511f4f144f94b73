/** `interim`: these interim responses (1xx) have come by then, in this order, and no others. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { spanMs } from '../judge/window.ts'
import { span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ interim: v.strictObject({ exactly: v.array(v.number()), within: span }) }),
  // To its end: one more may still come.
  durationMs: ({ interim }, limits) => spanMs(interim.within, limits),
  async run({ interim: { exactly, within } }, play) {
    const connection = await play.connection()
    const { interim } = connection.reader
    await connection.until(() => interim.length > exactly.length, play.now() + play.ms(within))
    if (interim.join() !== exactly.join()) {
      const [came, wanted] = [interim, exactly].map((list) => list.join() || 'none')
      throw new CaseError('fail', `interim responses: ${came}, wanted ${wanted}`)
    }
  },
})
