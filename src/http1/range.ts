/** One range of a file (RFC 9110 14): what `Bun.serve` answers by itself. */
import type { RequestHead } from './head.ts'
import { fileBody, type OutgoingResponse } from './web/response.ts'

/**
 * The part that is asked for, 416, or the answer as it is: of several ranges a server may send all.
 */
export function partOf(given: OutgoingResponse, file: Blob, head: RequestHead): OutgoingResponse {
  if (given.status !== 200 || fieldOf(given, 'content-range') !== null) return given
  const asked = head.get('range')
  if (asked === null || !isCurrent(head.get('if-range'), given)) return given
  const range = rangeOf(asked, file.size)
  if (range === null) return given
  const total = `${range === 'unsatisfiable' ? '*' : `${range.first}-${range.last}`}/${file.size}`
  const fields = ['Content-Range', `bytes ${total}`, 'Accept-Ranges', 'bytes']
  if (range === 'unsatisfiable') return { ...given, status: 416, statusText: '', fields, body: null }
  for (let i = 0; i < given.fields.length; i += 2) {
    const name = given.fields[i]!
    if (!/^(?:accept-ranges|content-length)$/i.test(name)) fields.push(name, given.fields[i + 1]!)
  }
  return {
    ...given,
    status: 206,
    statusText: '',
    fields,
    body: fileBody(file.slice(range.first, range.last + 1, file.type)),
  }
}

interface Range {
  readonly first: number
  readonly last: number
}

/** Null: of another unit, of several parts or malformed, which is as if it were not there. */
export function rangeOf(field: string, size: number): Range | 'unsatisfiable' | null {
  const equals = field.indexOf('=')
  const dash = field.indexOf('-', equals)
  if (equals < 0 || dash < 0 || field.slice(0, equals).trim().toLowerCase() !== 'bytes') return null
  const from = field.slice(equals + 1, dash).trim()
  const to = field.slice(dash + 1).trim()
  if (!isNumber(from) || !isNumber(to) || from + to === '') return null
  if (from === '') {
    const first = Math.max(size - Number(to), 0)
    return first < size ? { first, last: size - 1 } : 'unsatisfiable'
  }
  const first = Number(from)
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== '' && Number(to) < first) return null
  return first < size ? { first, last } : 'unsatisfiable'
}

const isNumber = (text: string): boolean => /^\d{0,18}$/.test(text)

/** `If-Range`: a strong validator of the answer, or its date to the letter (RFC 9110 13.1.5). */
function isCurrent(ifRange: string | null, given: OutgoingResponse): boolean {
  if (ifRange === null) return true
  if (ifRange.startsWith('"')) return ifRange === fieldOf(given, 'etag')
  return ifRange === fieldOf(given, 'last-modified')
}

function fieldOf({ fields }: OutgoingResponse, lower: string): string | null {
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === lower) return fields[i + 1]!
  return null
}
