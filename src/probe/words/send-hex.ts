/** `sendHex`: sends these bytes (hexadecimal). */
import * as v from 'valibot'
import { hex } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ sendHex: hex }),
  durationMs: atOnce,
  run: async ({ sendHex }, play) => (await play.connection()).send(Buffer.from(sendHex, 'hex')),
})
