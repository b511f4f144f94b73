/**
 * How an access log is written: JSON with why connections ended, or one of the forms that other
 * programs read.
 */
import type { AccessEntry } from '../observe/access.ts'

export const accessForms = ['json', 'combined', 'w3c'] as const
export type AccessForm = (typeof accessForms)[number]

export interface AccessWriter {
  /** What a file begins with; empty: nothing. */
  readonly head: string
  /** Null: the form has no line for it. */
  line(entry: AccessEntry): string | null
}

/**
 * What a request without a response is written as, as nginx does: its client left, or the
 * connection was closed.
 */
const noResponse = { client: 499, others: 444 } as const
const longestTarget = 2_000

/** `withQuery`: queries may hold secrets. */
export function accessWriter(form: AccessForm, withQuery: boolean): AccessWriter {
  const shown = (target: string): string => {
    const query = withQuery ? -1 : target.indexOf('?')
    const part = query === -1 ? target : target.slice(0, query)
    return part.length > longestTarget ? `${part.slice(0, longestTarget)}…` : part
  }
  return writers[form](shown)
}

type Shown = (target: string) => string

const writers: Readonly<Record<AccessForm, (shown: Shown) => AccessWriter>> = {
  json: (shown) => ({ head: '', line: (entry) => jsonLine(entry, shown) }),
  combined: (shown) => ({ head: '', line: (entry) => combinedLine(entry, shown) }),
  w3c: (shown) => ({ head: w3cHead, line: (entry) => w3cLine(entry, shown) }),
}

function jsonLine(entry: AccessEntry, shown: Shown): string {
  if (entry.kind === 'request') {
    const { kind, at, connection, peer, method, target, protocol, status, bytes, ms } = entry
    const time = new Date(at).toISOString()
    return JSON.stringify({
      time,
      kind,
      connection,
      peer,
      method,
      target: shown(target),
      protocol,
      status,
      bytes,
      ms: tenths(ms),
    })
  }
  const { kind, id, peer, by, phase, why, unanswered, openedAt, endedAt, requests, received, sent } = entry
  const time = new Date(endedAt).toISOString()
  const ms = endedAt - openedAt
  return JSON.stringify({
    time,
    kind,
    connection: id,
    peer,
    by,
    phase,
    why,
    unanswered,
    requests,
    received,
    sent,
    ms,
  })
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

/**
 * What Apache and nginx call combined. Of the ends it has those that left a request without a
 * response.
 */
function combinedLine(entry: AccessEntry, shown: Shown): string | null {
  if (entry.kind === 'request') {
    const { at, peer, method, target, protocol, status, bytes, header } = entry
    const request = [method, shown(target), ...(protocol === null ? [] : [protocol])].join(' ')
    const [referer, agent] = [quoted(header('referer')), quoted(header('user-agent'))]
    return `${split(peer).address} - - [${clfTime(at)}] ${quoted(request)} ${status} ${bytes ?? '-'} ${referer} ${agent}`
  }
  const { endedAt, peer, by, unanswered } = entry
  if (unanswered === null) return null
  const status = by === 'client' ? noResponse.client : noResponse.others
  return `${split(peer).address} - - [${clfTime(endedAt)}] ${quoted(unanswered)} ${status} - "-" "-"`
}

/** Nothing in it ends the quotes or the line. */
function quoted(text: string | null): string {
  if (text === null) return '"-"'
  return `"${text.replace(/["\\\x00-\x1f\x7f-\uffff]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    return [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  })}"`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function clfTime(at: number): string {
  const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(new Date(at).toISOString())!
  return `${day}/${months[Number(month) - 1]}/${year}:${time} +0000`
}

/** `1.2.3.4:5`, `[::1]:5`, or `unix`. */
function split(peer: string): { readonly address: string; readonly port: string } {
  const colon = peer.lastIndexOf(':')
  if (colon === -1) return { address: peer, port: '-' }
  return { address: peer.slice(0, colon).replace(/^\[|\]$/g, ''), port: peer.slice(colon + 1) }
}

const w3cFields = [
  'date',
  'time',
  'c-ip',
  'c-port',
  'cs-method',
  'cs-uri',
  'cs-version',
  'sc-status',
  'sc-bytes',
  'time-taken',
  'x-connection',
  'x-end-by',
  'x-end-phase',
  'x-end-why',
] as const
type W3cField = (typeof w3cFields)[number]

const w3cHead = `#Version: 1.0\n#Software: hangup\n#Fields: ${w3cFields.join(' ')}`

/** `time-taken` is in seconds, as the format has it. */
function w3cLine(entry: AccessEntry, shown: Shown): string {
  return entry.kind === 'request'
    ? w3c(entry.at, entry.peer, {
        'cs-method': entry.method,
        'cs-uri': shown(entry.target),
        'cs-version': entry.protocol,
        'sc-status': entry.status,
        'sc-bytes': entry.bytes,
        'time-taken': (entry.ms / 1000).toFixed(4),
        'x-connection': entry.connection,
      })
    : w3c(entry.endedAt, entry.peer, {
        'cs-method': entry.unanswered?.split(' ', 1)[0] ?? null,
        'cs-uri': entry.unanswered?.replace(/^\S* /, '') ?? null,
        'time-taken': ((entry.endedAt - entry.openedAt) / 1000).toFixed(3),
        'x-connection': entry.id,
        'x-end-by': entry.by,
        'x-end-phase': entry.phase,
        'x-end-why': entry.why,
      })
}

function w3c(at: number, peer: string, values: Partial<Record<W3cField, string | number | null>>): string {
  const { address, port } = split(peer)
  const iso = new Date(at).toISOString()
  const all: typeof values = {
    ...values,
    date: iso.slice(0, 10),
    time: iso.slice(11, 23),
    'c-ip': address,
    'c-port': port,
  }
  // White space parts the fields.
  return w3cFields.map((field) => String(all[field] ?? '-').replace(/\s/g, '+') || '-').join(' ')
}
