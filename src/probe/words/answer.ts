/** `answer`: the next response, whole. */
import * as v from 'valibot'
import type { ReceivedResponse } from '../client/response.ts'
import { slowestMs } from '../find/routes.ts'
import { CaseError } from '../judge/verdict.ts'
import { harnessSlackMs } from '../judge/window.ts'
import type { Play } from '../play.ts'
import { count, due, setup, span } from '../terms.ts'
import { atOnce, word } from '../word.ts'

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

const want = v.strictObject({
  status: v.union(
    [v.picklist(['2xx', '4xx', '5xx', 'any']), v.pipe(v.array(v.number()), v.minLength(1))],
    'expected "2xx", "4xx", "5xx", "any" or a list of codes',
  ),
  /** Body size, exactly. */
  bytes: v.optional(v.number()),
  /** Text that the first 256 bytes of the body contain. */
  contains: v.optional(v.string()),
  header: v.optional(
    v.strictObject({
      name: v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a field')),
      matches: v.optional(v.pipe(v.string(), v.check(isPattern, 'expected a regular expression'))),
      absent: v.optional(v.literal(true)),
    }),
  ),
  /**
   * The size of a page, by the bodies of GET and by what HEAD says of it. `note`: remember it.
   * `same`: a page that has another size now has none to compare with, and the case is not judged.
   * `said`: Content-Length says that size, if it is there at all.
   */
  size: v.optional(v.picklist(['note', 'same', 'said'])),
  within: span,
  /** When its last byte is due, if that is what the case is about. */
  due: v.optional(due),
})
type Want = v.InferOutput<typeof want>

export default word({
  schema: v.strictObject({ answer: want, times: v.optional(count), setup }),
  durationMs: atOnce,
  due: ({ answer }) => answer.due,
  async run({ answer, times = 1 }, play) {
    for (let i = 0; i < times; i++) await takeAnswer(answer, play)
  },
})

export async function takeAnswer(wanted: Want, play: Play): Promise<ReceivedResponse> {
  const { target } = play
  const connection = await play.connection()
  const { reader } = connection
  const at = play.taken
  const from = wanted.due && play.expect(connection, wanted.due).from
  await connection.until(
    () => reader.answers.length > at || connection.end !== 'open' || reader.malformed !== null,
    play.now() + play.ms(wanted.within) + harnessSlackMs + slowestMs(target.foreign),
  )
  const answer = reader.answers[at]
  if (!answer) {
    if (reader.malformed !== null) throw new CaseError('fail', reader.malformed)
    if (connection.end !== 'open') throw play.endedInstead(connection, 'before the response was whole')
    throw new CaseError('fail', `no whole response within ${play.ms(wanted.within)} ms`, play.label(connection))
  }
  play.taken += 1
  if (!statusIs(wanted.status, answer.status)) {
    if (play.isLenient && answer.status === 411) {
      throw new CaseError('not-judged', 'the server takes no body without a length, as it may (411, RFC 9112 6.3)')
    }
    throw new CaseError('fail', `the response is ${answer.status}, wanted ${String(wanted.status)}`)
  }
  if (!play.isLenient && wanted.bytes !== undefined && answer.bodyBytes !== wanted.bytes) {
    throw new CaseError('fail', `the body has ${answer.bodyBytes} bytes, wanted ${wanted.bytes}`)
  }
  const contains = wanted.contains === undefined ? '' : play.fill(wanted.contains)
  if (!play.isLenient && !answer.text.includes(contains)) {
    throw new CaseError('fail', `the body is ${JSON.stringify(answer.text)}, wanted ${contains}`)
  }
  if (wanted.header) checkHeader(answer, wanted.header, play)
  if (wanted.size) checkSize(answer, wanted.size, play)
  if (wanted.due && from !== undefined) {
    play.inTime(String(answer.status), (answer.endedMs ?? 0) - from, wanted.due)
  }
  return answer
}

function statusIs(wanted: Want['status'], status: number): boolean {
  if (typeof wanted !== 'string') return wanted.includes(status)
  return wanted === 'any' || Math.floor(status / 100) === Number(wanted[0])
}

function checkHeader(answer: ReceivedResponse, wanted: NonNullable<Want['header']>, play: Play): void {
  const value = answer.headers.get(wanted.name)
  if (wanted.absent ? value !== null : value === null) {
    throw new CaseError('fail', `the header ${wanted.name} is ${wanted.absent ? `there: ${value}` : 'missing'}`)
  }
  const pattern = wanted.matches === undefined ? null : play.fill(wanted.matches)
  if (pattern !== null && !new RegExp(pattern, 'i').test(value ?? '')) {
    throw new CaseError('fail', `the header ${wanted.name} is ${JSON.stringify(value)}, wanted ${pattern}`)
  }
}

/** What GET gave of the page, and what HEAD said of it where that is something else. */
const sizes = new WeakMap<Play, { readonly bytes: number; readonly said: string | null }>()

/**
 * A page may have changed between two requests, so nobody is blamed before its size has been seen
 * once more.
 */
function checkSize({ bodyBytes, headers }: ReceivedResponse, wanted: NonNullable<Want['size']>, play: Play): void {
  const length = headers.get('content-length')
  if (wanted === 'note') {
    sizes.set(play, { bytes: bodyBytes, said: null })
    return
  }
  const { bytes, said } = sizes.get(play) ?? { bytes: bodyBytes, said: null }
  if (wanted === 'said') {
    sizes.set(play, { bytes, said: length === null || Number(length) === bytes ? null : length })
  } else if (bodyBytes !== bytes) {
    throw new CaseError('not-judged', `the page has no fixed size: ${bytes} bytes, then ${bodyBytes}`)
  } else if (said !== null) {
    throw new CaseError('fail', `HEAD says Content-Length: ${said}, and GET gives ${bytes} bytes`)
  }
}
