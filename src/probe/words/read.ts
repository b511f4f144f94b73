/** `read`: the client stops reading, reads on, or takes so many bytes every so many ms. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { count, milliseconds } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({
    read: v.union(
      [v.picklist(['pause', 'resume']), v.strictObject({ bytes: count, everyMs: milliseconds })],
      'expected "pause", "resume" or {"bytes": number, "everyMs": milliseconds}',
    ),
  }),
  durationMs: atOnce,
  async run({ read: how }, play) {
    const connection = await play.connection()
    if (connection.readsOn) {
      throw new CaseError('not-judged', 'over TLS a client on Deno cannot stop reading: probe from Node or Bun')
    }
    if (how === 'pause') connection.pause()
    else if (how === 'resume') connection.resume()
    else connection.drip(how.bytes, how.everyMs)
  },
})
