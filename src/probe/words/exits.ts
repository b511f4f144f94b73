/** `exits`: the server's process ends with this exit code. */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import { milliseconds } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ exits: v.strictObject({ code: v.number(), withinMs: milliseconds }) }),
  durationMs: atOnce,
  async run({ exits: { code, withinMs } }, play) {
    const exit = await Promise.race([play.process.exited, play.sleep(withinMs).then(() => null)])
    if (!exit) throw new CaseError('fail', `still running ${withinMs} ms later`)
    play.note(`exit ${exit.code}`)
    if (exit.code !== code) throw new CaseError('fail', `exit code ${exit.code}, wanted ${code}`)
  },
})
