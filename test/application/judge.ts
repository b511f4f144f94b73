/** Compares what a client saw with what it must see. */
import { type Seen, valuesOf } from './answer-reader.ts'
import type { Answer, Ask } from './case.ts'

export const matches = (wanted: string | RegExp, seen: string): boolean =>
  typeof wanted === 'string' ? seen === wanted : wanted.test(seen)

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** What is wrong with an answer, or null. */
export function wrongWith(seen: Seen, wanted: Answer, http2: boolean): string | null {
  if (seen.ending === 'garbled') return `the answer is garbled: ${seen.wrong}`
  const { cut = false, status, reason, fields = {}, body, hex, bytes, begins } = wanted
  if (seen.status === 0) {
    if (seen.ending === 'waiting') return 'nothing came'
    return cut ? null : `no answer (${seen.wrong ?? seen.ending})`
  }
  if (![status].flat().includes(seen.status)) return `status ${seen.status}, not ${[status].flat().join(' or ')}`
  if (cut && seen.ending === 'whole') return `the answer looks whole: ${shown(seen.body.toString())}`
  if (seen.ending === 'waiting') return `the answer does not end; ${seen.body.length} bytes came`
  if (!cut && seen.ending !== 'whole') return `the answer is cut (${seen.ending}${seen.wrong ? `, ${seen.wrong}` : ''})`
  if (reason !== undefined && !http2 && !matches(reason, seen.reason)) return `the reason ${shown(seen.reason)}`
  for (const [name, value] of Object.entries(fields)) {
    const lines = valuesOf(seen, name)
    // END_STREAM with the head says it as well (RFC 9113 8.1.1).
    if (http2 && name === 'content-length' && value === '0' && lines.length === 0) continue
    if (value === null ? lines.length > 0 : !isField(lines, value)) {
      return `${name}: ${lines.length === 0 ? 'absent' : lines.map(shown).join(', ')}, not ${value === null ? 'absent' : String(value)}`
    }
  }
  const text = seen.body.toString()
  if (body !== undefined && !matches(body, text)) return `the body ${shown(text)}, not ${shown(String(body))}`
  if (hex !== undefined && seen.body.toString('hex') !== hex) return `the bytes ${shown(seen.body.toString('hex'))}`
  if (bytes !== undefined && seen.body.length !== bytes) return `${seen.body.length} bytes, not ${bytes}`
  if (begins !== undefined && !begins.startsWith(text)) return `the body ${shown(text)} does not begin ${shown(begins)}`
  return null
}

function isField(lines: readonly string[], value: string | RegExp | readonly string[]): boolean {
  if (typeof value === 'string' || value instanceof RegExp) return lines.length === 1 && matches(value, lines[0]!)
  return lines.length === value.length && lines.every((line, place) => line === value[place])
}

/** Null as soon as one of several is right; else what is wrong with the first. */
export function wrongWithAny(
  seen: Seen,
  wanted: Answer | readonly Answer[],
  http2: boolean,
): { readonly wrong: string; readonly right?: undefined } | { readonly wrong: null; readonly right: Answer } {
  const several = [wanted].flat() as Answer[]
  const right = several.find((one) => wrongWith(seen, one, http2) === null)
  if (right !== undefined) return { wrong: null, right }
  return { wrong: several.map((one) => wrongWith(seen, one, http2)).join('; or: ') }
}

/** Whether the answer itself says that it is the last of its connection (RFC 9112 9.3, 9.6). */
export function isLast(seen: Seen, { version, fields = {} }: Ask): boolean {
  const tokens = valuesOf(seen, 'connection')
    .join(',')
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
  if (tokens.includes('close')) return true
  if (Object.entries(fields).some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close'))
    return true
  return (version === '1.0' || seen.version === '1.0') && !tokens.includes('keep-alive')
}
