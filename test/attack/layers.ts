/**
 * What attacking clients say at each layer: valid exchanges, made from random numbers, to be cut
 * anywhere.
 */
import { flags, frame, headers, preface, reset, splitHeaders, trailers, types } from '../lib/http2-frames.ts'

/**
 * Bytes (Latin1) in the parts that a client sends them in; it may wait for an answer between two.
 */
export type Message = readonly string[]
type Random = () => number

export interface Layer {
  readonly name: string
  /** What ALPN asks for. */
  readonly alpn: 'http/1.1' | 'h2'
  /** What a client asks that wants to know whether it is still served. */
  readonly asks: 'request' | 'upgrade'
  message(random: Random): Message
  /** What is not of the protocol. Over TLS it follows as records. */
  junk(random: Random): string
  /** No limit ends one that says nothing more. */
  readonly mayStaySilent?: boolean
  /** Cut inside the handshake, always. */
  readonly handshakeOnly?: boolean
}

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!
export const noise = (random: Random, length: number): string =>
  Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join('')

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n'
const chunked = 'POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const body = 'x'.repeat(300)

const http1Messages: readonly Message[] = [
  [get],
  [get + get + get],
  ['GET /large HTTP/1.1\r\nHost: a\r\n\r\n'],
  [post + body],
  [post.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'), body],
  [`${chunked}${'5\r\nhello\r\n'.repeat(20)}0\r\nX-Trailer: a\r\n\r\n${get}`],
  [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n${body}`, get],
  [get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')],
]

const http1: Layer = {
  name: 'HTTP/1.1',
  alpn: 'http/1.1',
  asks: 'request',
  message: (random) => pick(random, http1Messages),
  junk: (random) => noise(random, 64),
}

/** As RFC 6455 5.2 has it, from a client. */
function webSocketFrame(random: Random, opcode: number, payload: string, final = true): string {
  const { length } = payload
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff]
  const mask = Array.from({ length: 4 }, () => Math.floor(random() * 256))
  const masked = Array.from(payload, (char, i) => char.charCodeAt(0) ^ mask[i % 4]!)
  return String.fromCharCode((final ? 0x80 : 0) | opcode, ...size, ...mask, ...masked)
}

export const upgrade = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

const webSocketFrames: readonly ((random: Random) => string)[] = [
  (random) => webSocketFrame(random, 1, 'hello'),
  (random) => webSocketFrame(random, 2, noise(random, 5_000)),
  (random) => webSocketFrame(random, 9, 'ping'),
  (random) => webSocketFrame(random, 10, 'unasked'),
  (random) =>
    webSocketFrame(random, 1, 'first', false) +
    webSocketFrame(random, 9, 'between') +
    webSocketFrame(random, 0, ', second', false) +
    webSocketFrame(random, 0, ', last'),
]
export const webSocketClose = (random: Random): string => webSocketFrame(random, 8, '\x03\xe8bye')

const webSocket: Layer = {
  name: 'WebSocket',
  alpn: 'http/1.1',
  asks: 'upgrade',
  message: (random) => {
    const head = (random() < 0.2 ? get : '') + upgrade(pick(random, ['/ws', '/ws-later', '/ws-refused']))
    const frames = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, webSocketFrames)(random))
    return [head, frames.join('') + (random() < 0.5 ? webSocketClose(random) : '')]
  },
  // Reserved bits, no mask, a control frame of 64 kB, a continuation of nothing.
  junk: (random) =>
    pick(random, [
      '\xff\x80\0\0\0\0',
      '\x81\x05hello',
      '\x89\xfe\xff\xff\0\0\0\0',
      '\x80\x80\0\0\0\0',
      noise(random, 64),
    ]),
  mayStaySilent: true,
}

const getOver2 = (path: string) => ({ ':method': 'GET', ':path': path })
const postOver2 = (path: string) => ({ ':method': 'POST', ':path': path })
const data = (stream: number, payload: string, end = false) =>
  frame(types.data, end ? flags.endStream : 0, stream, payload)
const windowUpdate = (stream: number) => frame(types.windowUpdate, 0, stream, '\0\x0f\0\0')

const http2Exchanges: readonly ((id: number, random: Random) => string)[] = [
  (id) => headers(id, getOver2('/')),
  (id) => headers(id, getOver2('/large')),
  (id) => headers(id, getOver2('/large')) + windowUpdate(id),
  (id) => splitHeaders(id, getOver2('/')),
  (id) => headers(id, getOver2('/large')) + reset(id),
  (id) => headers(id, postOver2('/upload'), false) + data(id, body) + data(id, body, true),
  (id) => splitHeaders(id, postOver2('/upload'), false) + data(id, '', true),
  (id) => headers(id, postOver2('/upload'), false) + data(id, body) + reset(id),
  (id) => headers(id, { ...postOver2('/upload'), expect: '100-continue' }, false) + reset(id),
  (id) => headers(id, postOver2('/'), false) + data(id, body) + data(id, body, true),
  (id) =>
    headers(id, postOver2('/upload'), false) +
    frame(types.data, flags.padded, id, `\x04${body}\0\0\0\0`) +
    trailers(id, { 'x-trailer': 'a' }),
  (_, random) => frame(types.ping, 0, 0, noise(random, 8)),
  () => windowUpdate(0),
  // The client takes nothing of a stream from then on.
  () => frame(types.settings, 0, 0, '\0\x04\0\0\0\0'),
]

const http2: Layer = {
  name: 'HTTP/2',
  alpn: 'h2',
  asks: 'request',
  message: (random) => {
    const exchange = (_: unknown, i: number) => pick(random, http2Exchanges)(2 * i + 1, random)
    const some = Array.from({ length: 1 + Math.floor(random() * 12) }, exchange)
    const middle = Math.floor(random() * some.length)
    const goAway = random() < 0.2 ? frame(types.goAway, 0, 0, '\0\0\0\0\0\0\0\0') : ''
    return [
      preface + some.slice(0, middle).join(''),
      frame(types.settings, flags.ack, 0, '') + some.slice(middle).join('') + goAway,
    ]
  },
  // Too long, on the wrong stream, out of order, with a value that can't be.
  junk: (random) =>
    pick(random, [
      noise(random, 64),
      '\xff\xff\xff\0\0\0\0\0\x01',
      data(0, 'x'),
      frame(types.continuation, flags.endHeaders, 99, ''),
      reset(99),
      frame(types.windowUpdate, 0, 0, '\0\0\0\0'),
      frame(types.settings, 0, 0, 'odd'),
    ]),
}

const record = (type: number, payload: string) =>
  String.fromCharCode(type, 3, 3, payload.length >> 8, payload.length & 0xff) + payload

/** Records that no key has sealed, and what is no record. */
export function badRecords(random: Random): string {
  return pick(random, [
    () => noise(random, 64),
    () => record(23, noise(random, 200)),
    () => record(22, noise(random, 200)),
    () => record(21, '\x02\x28'),
    () => record(20, '\x01').repeat(100),
    () => `${record(23, '').slice(0, 3)}\xff\xff`,
    () => get,
  ])()
}

const tls: Layer = { ...http1, name: 'TLS', handshakeOnly: true }

export const plainLayers: readonly Layer[] = [http1, webSocket]
export const secureLayers: readonly Layer[] = [tls, http1, webSocket]
export const http2Layers: readonly Layer[] = [...secureLayers, http2]
