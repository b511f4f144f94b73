/**
 * `counted`: the number that a POST to `{count}` on a fresh connection answers: noted, then greater
 * by exactly so many.
 */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import type { Play } from '../play.ts'
import { count } from '../terms.ts'
import { atOnce, word } from '../word.ts'

const noted = new WeakMap<Play, number>()

export default word({
  schema: v.strictObject({
    counted: v.union([v.literal('note'), v.strictObject({ more: count })], 'expected "note" or {"more": number}'),
  }),
  durationMs: atOnce,
  connections: () => 1,
  pages: ['count'],
  async run({ counted }, play) {
    const { status, text } = await play.aside('POST {count}', 'Content-Length: 0\r\n')
    const now = /^\d+\s*$/.test(text) ? Number(text) : Number.NaN
    if (status !== 200 || Number.isNaN(now)) {
      throw new CaseError('setup-failed', `the count is ${status} ${JSON.stringify(text)}`)
    }
    if (counted === 'note') {
      noted.set(play, now)
      return
    }
    const more = now - (noted.get(play) ?? 0)
    if (more !== counted.more) {
      throw new CaseError('fail', `the application was asked ${more} times, wanted ${counted.more}`)
    }
  },
})
