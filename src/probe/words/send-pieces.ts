/** `sendPieces`: sends a text in pieces of so many bytes, a segment each. */
import * as v from 'valibot'
import { count, milliseconds, setup } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ sendPieces: v.string(), bytes: count, everyMs: milliseconds, setup }),
  durationMs: ({ sendPieces, bytes, everyMs }) => (sendPieces.length / bytes) * everyMs,
  async run({ sendPieces, bytes, everyMs }, play) {
    const connection = await play.connection()
    const text = play.fill(sendPieces)
    play.noteHeads(connection, text)
    for (let at = 0; at < text.length; at += bytes) {
      if (at > 0) await play.sleep(everyMs)
      if (connection.end !== 'open') throw play.endedInstead(connection, 'while it was still being sent to')
      connection.send(text.slice(at, at + bytes))
    }
  },
})
