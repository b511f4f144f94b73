/** `quiet`: for this long nothing comes and nothing ends. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { spanMs } from '../judge/window.ts'
import { setup, span } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({ quiet: span, setup }),
  durationMs: ({ quiet }, limits) => spanMs(quiet, limits),
  async run({ quiet }, play) {
    const connection = await play.connection()
    const bytes = connection.receivedBytes
    await connection.until(
      () => connection.end !== 'open' || connection.receivedBytes !== bytes,
      play.now() + play.ms(quiet),
    )
    if (connection.end !== 'open') {
      // What it promised is kept, and what it did not promise was not ours to expect.
      if (play.isLenient && connection.reader.answers.at(-1)?.isLast) {
        const why = 'the server closes each connection with its response, and says so'
        throw new CaseError('not-judged', why, connection.end)
      }
      throw play.endedInstead(connection, 'that should have stayed open')
    }
    if (connection.receivedBytes !== bytes) throw new CaseError('fail', 'bytes came that nobody asked for')
  },
})
