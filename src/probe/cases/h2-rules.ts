/**
 * What the cases about one wrong (or merely unusual) frame have in common: a session, these frames,
 * and what the server says to them. Each row is a rule of RFC 9113 or RFC 7541.
 */
import type { Case } from '../case.ts'
import type { FrameData } from '../client/h2.ts'
import { endHeaders, endStream, type errorCodes, frameTypes, type RawFrame } from '../client/h2-frame.ts'
import type { Step } from '../words/index.ts'

type ErrorCode = (typeof errorCodes)[number]
type Field = [name: string, value: string]
type Part = NonNullable<RawFrame['payload']>[number]

/** A session that both sides have settled. */
export const session: readonly Step[] = [
  { connect: 'h2' },
  { h2: ['preface'] },
  { frame: ['settings'], due: { from: 'connected', withinMs: 2_000 }, setup: true },
  { h2: [{ settings: 'ack' }] },
]

const soon = { from: 'sent', withinMs: 1_000 } as const

// What the server is to say

const fault =
  (of: 'connection' | 'stream' | 'message') =>
  (...codes: ErrorCode[]): readonly Step[] => [{ fault: { of, codes, due: soon } }]

export const connectionError = fault('connection')
export const streamError = fault('stream')
/** A message that no application may see (RFC 9113 8.1.1). */
export const malformed: readonly Step[] = fault('message')('PROTOCOL_ERROR')
export const anyStreamError = (...codes: ErrorCode[]): readonly Step[] => [
  { fault: { of: 'stream', codes, stream: 'any', due: soon } },
]
/** The session goes on: the request that was sent last is answered. */
export const answered: readonly Step[] = [{ frame: ['answer', 'rst_stream', 'goaway'], status: 200, due: soon }]
export const pinged: readonly Step[] = [{ frame: ['ping ack'], due: soon }]

// What is sent

export const frame = (
  type: RawFrame['frame'],
  { flags, stream, payload }: { flags?: number; stream?: number; payload?: readonly Part[] } = {},
): RawFrame => ({
  frame: type,
  ...(flags !== undefined && { flags }),
  ...(stream !== undefined && { stream }),
  ...(payload !== undefined && { payload: [...payload] }),
})

export const hex = (digits: string): Part => ({ hex: digits.replaceAll(' ', '') })
export const fields = (...these: Field[]): Part => ({ fields: these })
export const setting = (id: number, value: number): RawFrame =>
  frame('settings', { payload: [{ setting: [id, value] }] })
export const ping = frame('ping', { payload: [hex('6832 2d72 756c 6573')] })

const pseudo: Readonly<Record<string, string>> = {
  ':method': 'GET',
  ':scheme': 'https',
  ':path': '{hello}',
  ':authority': '{host}',
}

/**
 * The fields of a request: its pseudo-header fields, some of them otherwise (or not at all), and
 * more.
 */
export const request = (more: readonly Field[] = [], other: Readonly<Record<string, string | null>> = {}): Part =>
  fields(...Object.entries({ ...pseudo, ...other }).filter((field): field is Field => field[1] !== null), ...more)

const whole = endStream | endHeaders
/** HEADERS that are the whole of a request. */
export const headers = (payload: Part | readonly Part[], { stream = 1, flags = whole } = {}): RawFrame =>
  frame('headers', { flags, stream, payload: Array.isArray(payload) ? payload : [payload as Part] })
export const get = headers(request())
export const getOn = (stream: number): RawFrame => headers(request(), { stream })
/** A request whose body is still to come. */
export const post = (more: readonly Field[] = [], path = '{upload}'): RawFrame =>
  headers(request(more, { ':method': 'POST', ':path': path }), { flags: endHeaders })
export const data = (bytes: number, { flags = endStream, stream = 1 } = {}): RawFrame =>
  frame('data', { flags, stream, payload: [{ x: bytes }] })

// The table

interface Group {
  readonly why: string
  readonly spec: readonly string[]
  readonly level?: Case['level']
}

/** Its id without `h2-`, what the server does, what it is sent, and what it says. */
type Row = readonly [id: string, title: string, sent: readonly FrameData[], says: readonly Step[]]

export function rules({ why, spec, level = 'must' }: Group, rows: readonly Row[]): Case[] {
  return rows.map(([id, title, sent, says]) => ({
    id: `h2-${id}`,
    level,
    title,
    why,
    spec: [...spec],
    profile: 'protocol',
    transports: ['tls'],
    needs: ['h2-get'],
    steps: [...session, { h2: [...sent] }, ...says],
  }))
}

/** A type that no RFC has given a meaning. */
export const unknownType = frameTypes.length + 0xa0
