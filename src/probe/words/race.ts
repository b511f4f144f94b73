/**
 * `race`: connections that honour the server's `Keep-Alive: timeout`: each sends GET, waits for
 * about the hint, and uses the connection again only inside it. No request may stay without its
 * response. With the hint ignored they wait for about the idle limit itself, and use whatever they
 * have not seen end.
 */
import * as v from 'valibot'
import { keepAliveRace } from '../client/traffic.ts'
import { count } from '../terms.ts'
import { word } from '../word.ts'

export default word({
  schema: v.strictObject({
    race: v.strictObject({ connections: count, requests: count, hint: v.optional(v.literal('ignored')) }),
  }),
  durationMs: ({ race: { requests, connections } }, { policy }) => (requests / connections) * policy.keepAliveHintMs,
  connections: ({ race }) => race.connections,
  run: async ({ race }, play) => play.note(await keepAliveRace(play.target, race)),
})
