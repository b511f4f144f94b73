/**
 * `fault`: on HTTP/2, the server says that what it was sent is an error: of the connection (GOAWAY,
 * or its end), of the stream (RST_STREAM as well), or of the message (a 4xx or 5xx as well).
 */
import * as v from 'valibot'
import type { Connection } from '../client/client.ts'
import type { Frame } from '../client/h2.ts'
import { errorCodes } from '../client/h2-frame.ts'
import { accepts, CaseError } from '../judge/verdict.ts'
import { count, due } from '../terms.ts'
import { atOnce, word } from '../word.ts'

const fault = v.strictObject({
  /** An error of a stream may be treated as one of its connection (RFC 9113 5.4). */
  of: v.picklist(['connection', 'stream', 'message']),
  /** With one of these; an end without GOAWAY has none. */
  codes: v.pipe(v.array(v.picklist(errorCodes)), v.minLength(1)),
  /** Default: 1, the first of the client's. */
  stream: v.optional(v.union([count, v.literal('any')])),
  due,
})

export default word({
  schema: v.strictObject({ fault }),
  durationMs: atOnce,
  due: (step) => step.fault.due,
  async run({ fault: { of, codes, stream = 1, due: until } }, play) {
    const connection = await play.connection()
    const { from, latestMs } = play.expect(connection, until)
    const find = () => connection.h2?.frames.find((frame) => isVerdict(frame, of, stream))
    await connection.until(() => find() !== undefined || connection.end !== 'open', from + latestMs)
    const found = find()
    const said = found === undefined ? connection.end : saidBy(found)
    play.seen.observed = said
    if (said === 'open') throw new CaseError('fail', `no error after ${Math.round(play.now() - from)} ms`, said)
    const isAccepted =
      found === undefined || (found.status === null ? codes.some((code) => code === found.error) : found.status >= 400)
    if (!isAccepted) {
      if (!play.tolerated.some((pattern) => accepts(pattern, said))) {
        throw new CaseError('fail', `${said}, wanted ${wantedOf(of, codes)}`, said)
      }
      play.seen.usedDeviation = true
    }
    play.inTime(said, (found?.atMs ?? endOf(connection)) - from, until)
  },
})

type Kind = v.InferOutput<typeof fault>['of']

/**
 * What decides: a session's last word, and for less than a connection what is said of the stream.
 */
function isVerdict({ type, error, stream, status }: Frame, of: Kind, wanted: number | 'any'): boolean {
  if (type === 'goaway') return error !== 'NO_ERROR'
  if (of === 'connection' || (wanted !== 'any' && stream !== wanted)) return false
  // A response that is whole before its request is may say so (RFC 9113 8.1).
  return (type === 'rst_stream' && error !== 'NO_ERROR') || (of === 'message' && status !== null && status >= 200)
}

const saidBy = ({ type, error, status }: Frame): string => `${type} ${error ?? status}`

const endOf = ({ endedMs, clock }: Connection): number => endedMs ?? clock.now()

function wantedOf(of: Kind, codes: readonly string[]): string {
  const words = of === 'connection' ? ['goaway'] : ['rst_stream', 'goaway']
  const ends = words.map((each) => `${each} ${codes.join('/')}`)
  return [...ends, ...(of === 'message' ? ['4xx'] : []), 'an end'].join(' or ')
}
