/** `gone`: the server's process has let go of the socket, as its kernel shows it. */
import * as v from 'valibot'
import { heldByServer, rested } from '../client/kernel.ts'
import { CaseError } from '../judge/verdict.ts'
import { pollMs } from '../play.ts'
import { due } from '../terms.ts'
import { atOnce, word } from '../word.ts'

export default word({
  schema: v.strictObject({ gone: due }),
  durationMs: atOnce,
  due: ({ gone }) => gone,
  async run({ gone: until }, play) {
    const connection = await play.connection()
    const { from, latestMs } = play.expect(connection, until)
    const sinceMs = play.now()
    // A client that stops reading has a kernel that takes more, as fast as the server gives: from
    // then on it takes nothing.
    const fills = 'by' in until && until.by.includes('writeTimeoutMs')
    let fillingMs = 0
    let unacknowledged: number | null = null
    for (;;) {
      await rested(sinceMs, play.clock)
      const row = heldByServer(play.target.port, connection.localPort, sinceMs, play.clock)
      const tookMs = play.now() - from
      if (!row) {
        play.inTime('gone', tookMs, until, fillingMs)
        return
      }
      if (fills && row.unacknowledged !== unacknowledged) {
        unacknowledged = row.unacknowledged
        fillingMs = tookMs
      }
      if (tookMs > latestMs + fillingMs) {
        const why = `the server still holds its socket (${row.state}) after ${Math.round(tookMs)} ms`
        throw new CaseError('fail', why, row.state)
      }
      await play.sleep(pollMs)
    }
  },
})
