/** `staysOpen`: for this long the connection does not end, whatever comes. */
import * as v from 'valibot'
import { spanMs } from '../judge/window.ts'
import { span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ staysOpen: span }),
  durationMs: ({ staysOpen }, limits) => spanMs(staysOpen, limits),
  async run({ staysOpen }, play) {
    const connection = await play.connection()
    await connection.until(() => connection.end !== 'open', play.now() + play.ms(staysOpen))
    if (connection.end !== 'open') throw play.endedInstead(connection, 'that should have stayed open')
  },
})
