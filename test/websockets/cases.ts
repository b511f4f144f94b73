/**
 * What RFC 6455 asks of a server that is sent frames, right and wrong ones, as data. `section` is
 * of the RFC; the numbers of the groups are those of the Autobahn test suite.
 */
import { close, type Frame, opcodes, type Payload } from './frames.ts'

/**
 * How the connection ends: by the close frame that our own was answered with, or by the one with
 * which the server fails the connection; TCP is ended by the server either way (RFC 6455 7.1.1).
 * `lives`: it is there for the closing handshake that follows.
 */
export type Ends = 'lives' | { readonly closes: readonly (number | null)[] } | { readonly fails: readonly number[] }

export interface Case {
  /** Stable for ever. */
  readonly id: string
  readonly title: string
  readonly section: string
  readonly sends: readonly Frame[]
  /** In pieces of so many bytes, each a packet; default: each frame is one. */
  readonly pieces?: number
  /** What the echo answers before the end. */
  readonly hears: readonly { readonly opcode: number; readonly payload: Payload }[]
  readonly ends: Ends
}

const { continuation, text: textCode, binary: binaryCode, ping: pingCode, pong: pongCode } = opcodes
const text = (payload: Payload, more: Partial<Frame> = {}): Frame => ({ opcode: textCode, payload, ...more })
const binary = (payload: Payload, more: Partial<Frame> = {}): Frame => ({ opcode: binaryCode, payload, ...more })
const ping = (payload: Payload = '', more: Partial<Frame> = {}): Frame => ({ opcode: pingCode, payload, ...more })
const pong = (payload: Payload = '', more: Partial<Frame> = {}): Frame => ({ opcode: pongCode, payload, ...more })
const more = (payload: Payload, fin = false): Frame => ({ opcode: continuation, payload, fin })
const hears = (opcode: number, payload: Payload) => ({ opcode, payload })
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

const protocolError: Ends = { fails: [1002] }
const notText: Ends = { fails: [1007] }

const lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536]

const messages: Case[] = lengths.flatMap((length): Case[] => {
  const letters = '*'.repeat(length)
  const bytes = Buffer.alloc(length, 0xfe)
  return [
    {
      id: `text-${length}`,
      title: `a text of ${length} bytes`,
      section: '5.2',
      sends: [text(letters)],
      hears: [hears(textCode, letters)],
      ends: 'lives',
    },
    {
      id: `binary-${length}`,
      title: `${length} bytes of binary`,
      section: '5.2',
      sends: [binary(bytes)],
      hears: [hears(binaryCode, bytes)],
      ends: 'lives',
    },
  ]
})

const inPieces: Case[] = [
  {
    id: 'text-in-pieces',
    title: 'a text of 65,536 bytes in packets of 997',
    section: '5.2',
    sends: [text('*'.repeat(65_536))],
    pieces: 997,
    hears: [hears(textCode, '*'.repeat(65_536))],
    ends: 'lives',
  },
  {
    id: 'binary-in-pieces',
    title: '65,536 bytes of binary in packets of 997',
    section: '5.2',
    sends: [binary(Buffer.alloc(65_536, 0xfe))],
    pieces: 997,
    hears: [hears(binaryCode, Buffer.alloc(65_536, 0xfe))],
    ends: 'lives',
  },
  {
    id: 'length-top-bit',
    title: 'a length whose highest bit is set',
    section: '5.2',
    sends: [binary('', { length: 2n ** 63n })],
    hears: [],
    ends: { fails: [1002, 1009] },
  },
  {
    id: 'length-huge',
    title: 'a frame that says it has 2^62 bytes',
    section: '7.4.1',
    sends: [binary('', { length: 2n ** 62n })],
    hears: [],
    ends: { fails: [1002, 1009] },
  },
]

const pingPong: Case[] = [
  ...[
    { id: 'ping-empty', payload: '' },
    { id: 'ping-text', payload: 'Hello, world!' },
    { id: 'ping-binary', payload: hex('00 ff fe fd fc fb 00 ff') },
    { id: 'ping-longest', payload: Buffer.alloc(125, 0xfe) },
  ].map(
    ({ id, payload }): Case => ({
      id,
      title: `a ping of ${payload.length} bytes`,
      section: '5.5.2',
      sends: [ping(payload)],
      hears: [hears(pongCode, payload)],
      ends: 'lives',
    }),
  ),
  {
    id: 'ping-too-long',
    title: 'a ping of 126 bytes',
    section: '5.5',
    sends: [ping(Buffer.alloc(126, 0xfe))],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'ping-in-pieces',
    title: 'a ping of 125 bytes, one in a packet',
    section: '5.5.2',
    sends: [ping(Buffer.alloc(125, 0xfe))],
    pieces: 1,
    hears: [hears(pongCode, Buffer.alloc(125, 0xfe))],
    ends: 'lives',
  },
  {
    id: 'pong-unasked',
    title: 'pongs that nobody asked for, then a ping',
    section: '5.5.3',
    sends: [pong(), pong('unasked'), ping('asked')],
    hears: [hears(pongCode, 'asked')],
    ends: 'lives',
  },
  {
    id: 'pings-many',
    title: 'ten pings',
    section: '5.5.3',
    sends: Array.from({ length: 10 }, (_, i) => ping(`ping ${i}`)),
    hears: Array.from({ length: 10 }, (_, i) => hears(pongCode, `ping ${i}`)),
    ends: 'lives',
  },
  {
    id: 'pings-many-in-pieces',
    title: 'ten pings, a byte in a packet',
    section: '5.5.3',
    sends: Array.from({ length: 10 }, (_, i) => ping(`ping ${i}`)),
    pieces: 1,
    hears: Array.from({ length: 10 }, (_, i) => hears(pongCode, `ping ${i}`)),
    ends: 'lives',
  },
]

const reservedBits: Case[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map(
    (rsv): Case => ({
      id: `reserved-bits-${rsv}`,
      title: `reserved bits ${rsv.toString(2).padStart(3, '0')} without an extension`,
      section: '5.2',
      sends: [text('first'), text('second', { rsv })],
      hears: [hears(textCode, 'first')],
      ends: protocolError,
    }),
  ),
  {
    id: 'reserved-bits-ping',
    title: 'a ping with a reserved bit',
    section: '5.2',
    sends: [ping('', { rsv: 6 })],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'reserved-bits-close',
    title: 'a close frame with reserved bits',
    section: '5.2',
    sends: [{ ...close(1000), rsv: 7 }],
    hears: [],
    ends: protocolError,
  },
]

const reservedOpcodes: Case[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
  (opcode): Case => ({
    id: `reserved-opcode-${opcode}`,
    title: `opcode ${opcode}, which nothing defines`,
    section: '5.2',
    sends: [text('first'), { opcode, payload: opcode % 2 === 0 ? 'payload' : '' }],
    hears: [hears(textCode, 'first')],
    ends: protocolError,
  }),
)

const fragments: Case[] = [
  {
    id: 'ping-fragmented',
    title: 'a ping in two fragments',
    section: '5.5',
    sends: [ping('a', { fin: false }), more('b', true)],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'pong-fragmented',
    title: 'a pong in two fragments',
    section: '5.5',
    sends: [pong('a', { fin: false }), more('b', true)],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'fragments-two',
    title: 'a text in two fragments',
    section: '5.4',
    sends: [text('frag', { fin: false }), more('ment', true)],
    hears: [hears(textCode, 'fragment')],
    ends: 'lives',
  },
  {
    id: 'fragments-in-pieces',
    title: 'a text in two fragments, a byte in a packet',
    section: '5.4',
    sends: [text('frag', { fin: false }), more('ment', true)],
    pieces: 1,
    hears: [hears(textCode, 'fragment')],
    ends: 'lives',
  },
  {
    id: 'fragments-empty',
    title: 'a text in three empty fragments',
    section: '5.4',
    sends: [text('', { fin: false }), more(''), more('', true)],
    hears: [hears(textCode, '')],
    ends: 'lives',
  },
  {
    id: 'fragments-empty-but-one',
    title: 'a text in three fragments, two of them empty',
    section: '5.4',
    sends: [text('', { fin: false }), more('middle'), more('', true)],
    hears: [hears(textCode, 'middle')],
    ends: 'lives',
  },
  {
    id: 'fragments-with-ping',
    title: 'a ping between two fragments',
    section: '5.4',
    sends: [text('frag', { fin: false }), ping('now'), more('ment', true)],
    hears: [hears(pongCode, 'now'), hears(textCode, 'fragment')],
    ends: 'lives',
  },
  {
    id: 'fragments-with-pings-in-pieces',
    title: 'five fragments and two pings, a byte in a packet',
    section: '5.4',
    sends: [binary('1', { fin: false }), more('2'), ping('one'), more('3'), more('4'), ping('two'), more('5', true)],
    pieces: 1,
    hears: [hears(pongCode, 'one'), hears(pongCode, 'two'), hears(binaryCode, '12345')],
    ends: 'lives',
  },
  {
    id: 'continuation-of-nothing',
    title: 'the end of a message that has not begun',
    section: '5.4',
    sends: [more('of nothing', true), text('next')],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'continuation-of-nothing-open',
    title: 'a fragment of a message that has not begun',
    section: '5.4',
    sends: [more('of nothing'), text('next')],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'continuation-after-message',
    title: 'one more fragment after the last',
    section: '5.4',
    sends: [text('frag', { fin: false }), more('ment', true), more('of nothing', true)],
    hears: [hears(textCode, 'fragment')],
    ends: protocolError,
  },
  {
    id: 'message-within-message',
    title: 'a message inside the fragments of another',
    section: '5.4',
    sends: [text('frag', { fin: false }), text('other'), more('ment', true)],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'message-begun-twice',
    title: 'two messages begun, neither ended',
    section: '5.4',
    sends: [text('frag', { fin: false }), binary('other', { fin: false })],
    hears: [],
    ends: protocolError,
  },
]

/** Greek, then what is no UTF-8. */
const kosme = 'κόσμε'
const valid: readonly (readonly [id: string, bytes: Payload])[] = [
  ['two-bytes', kosme],
  ['first-of-two', hex('c2 80')],
  ['first-of-three', hex('e0 a0 80')],
  ['first-of-four', hex('f0 90 80 80')],
  ['last-of-one', hex('7f')],
  ['last-of-two', hex('df bf')],
  ['last-of-three', hex('ef bf bf')],
  ['last-of-all', hex('f4 8f bf bf')],
  ['before-surrogates', hex('ed 9f bf')],
  ['after-surrogates', hex('ee 80 80')],
  ['replacement', hex('ef bf bd')],
  ['zero', hex('00')],
]
const invalid: readonly (readonly [id: string, digits: string])[] = [
  ['surrogate', 'ce ba ed a0 80 65'],
  ['surrogate-pair', 'ed a0 80 ed b0 80'],
  ['low-surrogate', 'ed bf bf'],
  ['beyond-last', 'f4 90 80 80'],
  ['five-bytes', 'f8 88 80 80 80'],
  ['six-bytes', 'fc 84 80 80 80 80'],
  ['lone-continuation', '80'],
  ['lone-last-continuation', 'bf'],
  ['overlong-slash-of-two', 'c0 af'],
  ['overlong-slash-of-three', 'e0 80 af'],
  ['overlong-slash-of-four', 'f0 80 80 af'],
  ['overlong-two', 'c1 bf'],
  ['overlong-three', 'e0 9f bf'],
  ['overlong-four', 'f0 8f bf bf'],
  ['overlong-zero', 'c0 80'],
  ['two-cut-short', 'ce'],
  ['three-cut-short', 'e2 82'],
  ['four-cut-short', 'f0 9f 98'],
  ['two-with-letter', 'c3 28'],
  ['never-fe', 'fe'],
  ['never-ff', 'ff'],
]

const utf8: Case[] = [
  ...valid.map(
    ([id, bytes]): Case => ({
      id: `utf8-${id}`,
      title: `a text of valid UTF-8: ${id.replaceAll('-', ' ')}`,
      section: '8.1',
      sends: [text(bytes)],
      hears: [hears(textCode, bytes)],
      ends: 'lives',
    }),
  ),
  ...invalid.map(
    ([id, digits]): Case => ({
      id: `not-utf8-${id}`,
      title: `a text of what is not UTF-8: ${id.replaceAll('-', ' ')}`,
      section: '8.1',
      sends: [text('first'), text(hex(digits))],
      hears: [hears(textCode, 'first')],
      ends: notText,
    }),
  ),
  {
    id: 'utf8-split',
    title: 'fragments that part between the bytes of a character',
    section: '5.6',
    sends: [text(hex('ce'), { fin: false }), more(hex('ba e1 bd')), more(hex('b9')), more('', true)],
    hears: [hears(textCode, hex('ce ba e1 bd b9'))],
    ends: 'lives',
  },
  {
    id: 'not-utf8-split',
    title: 'what is not UTF-8 only when its fragments are put together',
    section: '8.1',
    sends: [text(hex('ce ba ed'), { fin: false }), more(hex('a0 80'), true)],
    hears: [],
    ends: notText,
  },
  {
    id: 'not-utf8-cut-short-split',
    title: 'fragments whose last ends inside a character',
    section: '8.1',
    sends: [text(kosme, { fin: false }), more(hex('e2 82'), true)],
    hears: [],
    ends: notText,
  },
  {
    id: 'utf8-in-pieces',
    title: 'valid UTF-8, a byte in a packet',
    section: '5.6',
    sends: [text(`${kosme} 😀`)],
    pieces: 1,
    hears: [hears(textCode, `${kosme} 😀`)],
    ends: 'lives',
  },
  {
    id: 'binary-not-utf8',
    title: 'binary that is not UTF-8',
    section: '5.6',
    sends: [binary(hex('ce ba ed a0 80'))],
    hears: [hears(binaryCode, hex('ce ba ed a0 80'))],
    ends: 'lives',
  },
]

const closing: Case[] = [
  {
    id: 'close-after-text',
    title: 'a text, then the closing handshake',
    section: '7.1.2',
    sends: [text('last'), close(1000)],
    hears: [hears(textCode, 'last')],
    ends: { closes: [1000] },
  },
  {
    id: 'close-twice',
    title: 'two close frames',
    section: '5.5.1',
    sends: [close(1000), close(1000)],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-then-ping',
    title: 'a ping after the close frame, which nobody answers',
    section: '5.5.1',
    sends: [close(1000), ping('late')],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-then-text',
    title: 'a text after the close frame, which nobody answers',
    section: '5.5.1',
    sends: [close(1000), text('late')],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-within-message',
    title: 'a close frame between two fragments',
    section: '5.4',
    sends: [text('frag', { fin: false }), close(1000), more('ment', true)],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-empty',
    title: 'a close frame without a code',
    section: '5.5.1',
    sends: [close(null)],
    hears: [],
    ends: { closes: [1000, null] },
  },
  {
    id: 'close-one-byte',
    title: 'a close frame with half a code',
    section: '5.5.1',
    sends: [{ opcode: opcodes.close, payload: 'a' }],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'close-reason',
    title: 'a close frame with a reason',
    section: '5.5.1',
    sends: [close(1000, 'Auf Wiedersehen, schöne Welt')],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-longest-reason',
    title: 'a close frame with a reason of 123 bytes',
    section: '5.5',
    sends: [close(1000, '*'.repeat(123))],
    hears: [],
    ends: { closes: [1000] },
  },
  {
    id: 'close-reason-too-long',
    title: 'a close frame with a reason of 124 bytes',
    section: '5.5',
    sends: [close(1000, '*'.repeat(124))],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'close-reason-not-utf8',
    title: 'a close frame whose reason is not UTF-8',
    section: '8.1',
    sends: [close(1000, hex('ce ba ed a0 80 65'))],
    hears: [],
    ends: { fails: [1002, 1007] },
  },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map(
    (code): Case => ({
      id: `close-code-${code}`,
      title: `a close frame with code ${code}`,
      section: '7.4',
      sends: [close(code)],
      hears: [],
      ends: { closes: [code, 1000] },
    }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): Case => ({
      id: `close-code-${code}-refused`,
      title: `a close frame with code ${code}, which may not be sent`,
      section: '7.4',
      sends: [close(code)],
      hears: [],
      ends: protocolError,
    }),
  ),
]

const masking: Case[] = [
  {
    id: 'unmasked-text',
    title: 'a text that is not masked',
    section: '5.1',
    sends: [text('bare', { mask: null })],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'unmasked-ping',
    title: 'a ping that is not masked',
    section: '5.1',
    sends: [ping('bare', { mask: null })],
    hears: [],
    ends: protocolError,
  },
  {
    id: 'mask-of-zeros',
    title: 'a mask of zeros',
    section: '5.3',
    sends: [text('plain to see', { mask: new Uint8Array(4) })],
    hears: [hears(textCode, 'plain to see')],
    ends: 'lives',
  },
  {
    id: 'mask-unaligned',
    title: 'masked payloads of every length up to 17, in packets of 3 bytes',
    section: '5.3',
    sends: Array.from({ length: 18 }, (_, length) => binary(Buffer.from('0123456789abcdefg').subarray(0, length))),
    pieces: 3,
    hears: Array.from({ length: 18 }, (_, length) =>
      hears(binaryCode, Buffer.from('0123456789abcdefg').subarray(0, length)),
    ),
    ends: 'lives',
  },
]

export const groups: Readonly<Record<string, readonly Case[]>> = {
  '1 lengths': [...messages, ...inPieces],
  '2 pings': pingPong,
  '3 reserved bits': reservedBits,
  '4 reserved opcodes': reservedOpcodes,
  '5 fragments': fragments,
  '6 UTF-8': utf8,
  '7 closing': closing,
  masking,
}
