/**
 * Reads HTTP/1.1 answers exactly (RFC 9112): every field line as it came, every byte of the body.
 */

export type Field = readonly [name: string, value: string]

export interface Head {
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Names in small letters. */
  readonly fields: readonly Field[]
}

/** How an answer ended. `waiting`: it has not. `garbled`: its bytes are no answer. */
export type Ending = 'whole' | 'fin' | 'reset' | 'waiting' | 'garbled'

export interface Seen extends Head {
  readonly body: Buffer
  readonly ending: Ending
  /** What is wrong with the bytes. */
  readonly wrong: string | null
}

export const none: Head = { version: '', status: 0, reason: '', fields: [] }

export const valuesOf = ({ fields }: Pick<Head, 'fields'>, name: string): string[] =>
  fields.filter(([given]) => given === name).map(([, value]) => value)

interface Parsed {
  readonly head: Head
  /** Of the body so far. */
  readonly parts: readonly Buffer[]
  /** Bytes of the input that it took; null: more must come. */
  readonly taken: number | null
  readonly untilClose: boolean
}

/** What the input begins with, after interim answers; throws what is wrong with it. */
export function parse(input: Buffer, toHead: boolean): Parsed | null {
  const end = input.indexOf('\r\n\r\n')
  if (end < 0) {
    const start = input.subarray(0, 5).toString('latin1')
    if (!'HTTP/'.startsWith(start)) throw new Error(`not an answer: ${JSON.stringify(start)}`)
    return null
  }
  const head = headOf(input.subarray(0, end).toString('latin1'))
  const rest = input.subarray(end + 4)
  if (head.status >= 100 && head.status < 200 && head.status !== 101) {
    const next = parse(rest, toHead)
    return next && { ...next, taken: next.taken === null ? null : next.taken + end + 4 }
  }
  const lengths = valuesOf(head, 'content-length')
  const codings = valuesOf(head, 'transfer-encoding')
  check(head, lengths, codings)
  if (toHead || head.status === 101 || head.status === 204 || head.status === 304) {
    return { head, parts: [], taken: end + 4, untilClose: false }
  }
  if (codings.length > 0) {
    const { parts, taken } = chunks(rest)
    return { head, parts, taken: taken === null ? null : taken + end + 4, untilClose: false }
  }
  if (lengths.length > 0) {
    const length = Number(lengths[0])
    const body = rest.subarray(0, length)
    return { head, parts: [body], taken: body.length === length ? end + 4 + length : null, untilClose: false }
  }
  return { head, parts: [rest], taken: null, untilClose: true }
}

function headOf(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const [, version = '', status, reason = ''] = /^HTTP\/(1\.[01]) (\d{3}) ?(.*)$/s.exec(statusLine) ?? []
  if (status === undefined) throw new Error(`a malformed status line: ${JSON.stringify(statusLine)}`)
  const fields = lines.map((line): Field => {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined || value === undefined || /[\0\r\n]/.test(value)) {
      throw new Error(`a malformed field: ${JSON.stringify(line)}`)
    }
    return [name.toLowerCase(), value]
  })
  return { version, status: Number(status), reason, fields }
}

/** What holds for every answer, whatever the case is about. */
function check(head: Head, lengths: readonly string[], codings: readonly string[]): void {
  const twice = ['date', 'content-length', 'transfer-encoding', 'content-type', 'server', 'keep-alive'].find(
    (name) => valuesOf(head, name).length > 1,
  )
  if (twice !== undefined) throw new Error(`${twice} twice: ${valuesOf(head, twice).join(' and ')}`)
  if (lengths.length > 0 && codings.length > 0)
    throw new Error('Content-Length beside Transfer-Encoding (RFC 9112 6.2)')
  if (lengths.some((length) => !/^\d+$/.test(length))) throw new Error(`Content-Length: ${lengths[0]}`)
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked')) throw new Error(`Transfer-Encoding: ${codings[0]}`)
  if (head.status === 204 && lengths.length + codings.length > 0)
    throw new Error('204 with framing (RFC 9110 8.6, RFC 9112 6.1)')
}

function chunks(input: Buffer): { parts: Buffer[]; taken: number | null } {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = input.indexOf('\r\n', at)
    if (end < 0) return { parts, taken: null }
    const line = input.subarray(at, end).toString('latin1')
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`a malformed chunk size: ${JSON.stringify(line.slice(0, 40))}`)
    const size = Number.parseInt(line, 16)
    at = end + 2
    if (size === 0) {
      if (input.length < at + 2) return { parts, taken: null }
      if (input.subarray(at, at + 2).toString('latin1') !== '\r\n') throw new Error('bytes after the last chunk')
      return { parts, taken: at + 2 }
    }
    parts.push(input.subarray(at, at + size))
    if (input.length < at + size + 2) return { parts, taken: null }
    if (input.subarray(at + size, at + size + 2).toString('latin1') !== '\r\n')
      throw new Error('a chunk without its end')
    at += size + 2
  }
}
