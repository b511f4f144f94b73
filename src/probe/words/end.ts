/**
 * `end`: the client ends its side: FIN, RST, both directions at once (as a program that exits), or
 * without a sign.
 */
import * as v from 'valibot'
import type { Connection } from '../client/client.ts'
import { heldByServer } from '../client/kernel.ts'
import { type Play, pollMs } from '../play.ts'
import { atOnce, word } from '../word.ts'
import { hostOf } from './connect.ts'

/** RFC 1122 4.2.3.2: an ACK is delayed by at most half a second. */
const longestAckMs = 500

export default word({
  schema: v.strictObject({ end: v.picklist(['fin', 'reset', 'close', 'vanish']) }),
  durationMs: atOnce,
  async run({ end: how }, play) {
    const connection = await play.connection()
    if (how === 'vanish') {
      await acknowledged(connection, play)
      await hostOf(play)?.vanish()
    } else if (how === 'fin') connection.finish()
    else if (how === 'reset') connection.reset()
    else connection.destroy()
  },
})

/**
 * What the server sent has reached the client's kernel, and the server's knows: a delayed ACK may
 * be on its way.
 */
async function acknowledged(connection: Connection, play: Play): Promise<void> {
  const sinceMs = play.now()
  while (play.now() - sinceMs < longestAckMs) {
    await play.sleep(pollMs)
    const row = heldByServer(play.target.port, connection.localPort, play.now(), play.clock)
    if (!row || row.unacknowledged === 0) return
  }
}
