/** `pour`: sends this many bytes of filler as fast as they are taken; does not wait for the end. */
import * as v from 'valibot'
import { count, option } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({
    pour: v.union([count, v.strictObject({ limit: option })], 'expected a number of bytes or {"limit": option}'),
    chunkBytes: v.optional(count),
  }),
  durationMs: atOnce,
  async run({ pour, chunkBytes = 64 * 1024 }, play) {
    const bytes = typeof pour === 'number' ? pour : play.target.policy[pour.limit]
    void (await play.connection()).pour(bytes, chunkBytes)
  },
})
