/**
 * `drain`: the signal under load; every POST that the application has counted is answered, and the
 * process exits 0.
 */
import * as v from 'valibot'
import { drainUnderLoad } from '../client/traffic.ts'
import { count, milliseconds, signal } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({
    drain: v.strictObject({
      signal,
      idle: count,
      busy: count,
      active: count,
      beforeMs: milliseconds,
      exitWithinMs: milliseconds,
    }),
  }),
  durationMs: ({ drain: { beforeMs, exitWithinMs } }) => beforeMs + exitWithinMs,
  connections: ({ drain: { idle, busy, active } }) => idle + busy + active,
  pages: ['hello', 'slow', 'count'],
  run: async ({ drain }, play) => play.note(await drainUnderLoad(play.target, drain)),
})
