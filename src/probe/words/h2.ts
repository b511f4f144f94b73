/**
 * `h2`: sends HTTP/2 frames in one segment, after `connect: 'h2'`; so many times, at this pace or
 * as fast as possible.
 */
import * as v from 'valibot'
import type { Connection } from '../client/client.ts'
import { FrameWriter, frameSchema } from '../client/h2.ts'
import { count, milliseconds } from '../terms.ts'
import { word } from '../word.ts'

/** A session counts its streams. */
const writers = new WeakMap<Connection, FrameWriter>()

function writerOf(connection: Connection): FrameWriter {
  const writer = writers.get(connection) ?? new FrameWriter()
  writers.set(connection, writer)
  return writer
}

export default word({
  schema: v.strictObject({
    h2: v.pipe(v.array(frameSchema), v.minLength(1)),
    times: v.optional(count),
    everyMs: v.optional(milliseconds),
    until: v.optional(v.literal('closed')),
  }),
  durationMs: ({ times = 1, everyMs = 0, until }) => (until === undefined ? everyMs * (times - 1) : 0),
  /** What has ended takes no more; that is for the step that looks for the end. */
  async run({ h2, times = 1, everyMs, until }, play) {
    const connection = await play.connection()
    const writer = writerOf(connection)
    const next = () => writer.write(h2, (text) => play.fill(text), connection.h2?.settings)
    if (until === 'closed') {
      play.every(everyMs ?? 0, () => {
        if (connection.end === 'open') connection.send(next())
        return connection.end === 'open'
      })
      return
    }
    if (everyMs === undefined) {
      connection.send(Buffer.concat(Array.from({ length: times }, next)))
      return
    }
    for (let sent = 0; sent < times && connection.end === 'open'; sent++) {
      if (sent > 0) await play.sleep(everyMs)
      connection.send(next())
    }
  },
})
