/** `signal`: sends this signal to the server's process. */
import * as v from 'valibot'
import { signal } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ signal }),
  durationMs: atOnce,
  run({ signal: name }, play) {
    play.signalledMs = play.now()
    play.process.signal(name)
  },
})
