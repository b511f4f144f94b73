/** `crowd`: this many clients at once, each through these steps; all must pass. */
import * as v from 'valibot'
import type { Connection } from '../client/client.ts'
import { CaseError } from '../judge/verdict.ts'
import { nothingSeen, type Play } from '../play.ts'
import { count, milliseconds, setup } from '../terms.ts'
import { type StepOf, vocabulary, word } from '../word.ts'
import * as list from './list.ts'

/** An interface, which declarations name and do not spell out. */
export interface ClientStepSchema extends v.GenericSchema<StepOf<(typeof list)[keyof typeof list]>> {}

const oneClient = vocabulary(Object.values(list))

/** TLS handshakes at once: more would only queue up inside this process. */
const handshakesAtOnce = 25

const kept = new WeakMap<Play, readonly Connection[]>()

/** The crowd that stayed. */
export const keptBy = (play: Play): readonly Connection[] => kept.get(play) ?? []

export default word({
  schema: v.strictObject({
    crowd: count,
    steps: v.array(oneClient.schema as ClientStepSchema),
    /** They stay open for the steps that follow, as long as they can. */
    keep: v.optional(v.literal(true)),
    /** Their ends are spread out: from the 10th to the 90th percentile at least so many ms. */
    spreadMs: v.optional(milliseconds),
    setup,
  }),
  durationMs: ({ steps }, limits) => oneClient.durationMs(steps, limits),
  connections: ({ crowd, steps }) => crowd * oneClient.connectionsOf(steps),
  // What is due in its steps is in its duration, and a crowd measures nothing.
  due: () => undefined,
  async run({ crowd, steps, keep, spreadMs }, play) {
    const clients = Array.from({ length: crowd }, () => play.beside(nothingSeen()))
    for (const client of clients) play.atEnd(() => client.close())
    const waiting = [...clients]
    await Promise.all(
      Array.from({ length: handshakesAtOnce }, async () => {
        for (let client = waiting.shift(); client; client = waiting.shift()) await client.connect()
      }),
    )
    const outcomes = await Promise.allSettled(clients.map((client) => oneClient.carryOut(steps, client)))
    play.seen.expected ??= clients[0]?.seen.expected ?? null
    const connections = clients.flatMap(({ opened }) => opened)
    play.opened.push(...connections)
    if (keep) kept.set(play, connections)
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    const [first] = failed
    if (first) {
      const error = first.reason as Error
      const message = `${failed.length} of ${crowd}: ${error.message}`
      throw error instanceof CaseError ? new CaseError(error.verdict, message, error.observed) : error
    }
    if (spreadMs !== undefined) checkSpread(connections, spreadMs, play)
    if (!keep) for (const connection of connections) connection.destroy()
  },
})

function checkSpread(connections: readonly Connection[], wantedMs: number, play: Play): void {
  const ages = connections.map(({ endedMs, connectedMs }) => (endedMs ?? Number.POSITIVE_INFINITY) - connectedMs)
  ages.sort((a, b) => a - b)
  const at = (share: number) => ages[Math.floor((ages.length - 1) * share)] as number
  const seenMs = at(0.9) - at(0.1)
  play.note(`80 % within ${Math.round(seenMs)} ms`)
  if (!(seenMs >= wantedMs)) {
    throw new CaseError('fail', `80 % ended within ${Math.round(seenMs)} ms, wanted ≥ ${wantedMs}`)
  }
}
