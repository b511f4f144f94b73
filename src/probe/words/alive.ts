/** `alive`: a fresh connection is served: the server has survived. */
import * as v from 'valibot'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ alive: v.literal(true) }),
  durationMs: atOnce,
  connections: () => 1,
  run: (_, play) => play.aside('GET {hello}'),
})
