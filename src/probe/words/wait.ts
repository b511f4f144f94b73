/** `wait`: does nothing, whatever comes. */
import * as v from 'valibot'
import { spanMs } from '../judge/window.ts'
import { span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ wait: span }),
  durationMs: ({ wait }, limits) => spanMs(wait, limits),
  run: ({ wait }, play) => play.sleep(play.ms(wait)),
})
