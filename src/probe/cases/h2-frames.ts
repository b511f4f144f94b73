/** HTTP/2 frames: how they may look, where they belong, and what is wrong with each type. */
import type { Case } from '../case.ts'
import { ack, endHeaders, endStream, padded, priority } from '../client/h2-frame.ts'
import {
  answered,
  connectionError,
  data,
  frame,
  get,
  getOn,
  headers,
  hex,
  ping,
  pinged,
  post,
  request,
  rules,
  setting,
  streamError,
  unknownType,
} from './h2-rules.ts'

const protocolError = connectionError('PROTOCOL_ERROR')
const sizeError = connectionError('FRAME_SIZE_ERROR')
const dependsOn = (stream: number) => [{ u32: stream }, hex('0f')]
const most = 0x7fff_ffff

const preface: Case[] = [
  {
    id: 'h2-preface-wrong',
    level: 'must',
    title: 'A preface with one wrong byte is a connection error',
    why: 'The preface exists so that a peer that does not speak HTTP/2 is found out before anything is done for it.',
    spec: ['RFC 9113 3.4'],
    profile: 'protocol',
    transports: ['tls'],
    needs: ['h2-get'],
    steps: [
      { connect: 'h2' },
      { sendHex: '505249202a20485454502f322e300d0a0d0a534d0d0a0d58000000040000000000' },
      ...protocolError,
    ],
  },
  {
    id: 'h2-preface-without-settings',
    level: 'must',
    title: 'A preface that is not followed by SETTINGS is a connection error',
    why: 'SETTINGS, empty or not, are part of the preface: what comes before them would be read under rules that nobody has agreed on.',
    spec: ['RFC 9113 3.4'],
    profile: 'protocol',
    transports: ['tls'],
    needs: ['h2-get'],
    steps: [
      { connect: 'h2' },
      { sendHex: '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a' },
      { h2: [ping] },
      ...protocolError,
    ],
  },
  {
    id: 'h2-settings-first',
    level: 'must',
    title: 'The first frame of a server is SETTINGS',
    why: 'They are the server’s part of the preface. A client may end a session that begins otherwise.',
    spec: ['RFC 9113 3.4'],
    profile: 'protocol',
    transports: ['tls'],
    needs: ['h2-get'],
    steps: [
      { connect: 'h2' },
      { h2: ['preface', get] },
      { frame: ['settings'], first: true, due: { from: 'sent', withinMs: 1_000 } },
    ],
  },
]

export default [
  ...preface,

  ...rules(
    {
      why: 'HTTP/2 is extended by new types, flags and settings. An endpoint that fails on one it does not know makes every extension a risk for all.',
      spec: ['RFC 9113 4.1', 'RFC 9113 5.5'],
    },
    [
      [
        'unknown-type-ignored',
        'A frame of an unknown type is ignored',
        [frame(unknownType, { flags: 0xff, payload: [hex('0102')] }), get],
        answered,
      ],
      [
        'unknown-type-on-stream-ignored',
        'A frame of an unknown type on a stream is ignored',
        [post(), frame(unknownType, { stream: 1, payload: [hex('00')] }), data(5)],
        answered,
      ],
      [
        'undefined-flags-ignored',
        'Flags that a type does not have are ignored',
        [frame('ping', { flags: 0xfe, payload: [hex('0102030405060708')] })],
        pinged,
      ],
      [
        'reserved-bit-ignored',
        'The reserved bit before the number of a stream is ignored',
        [frame('ping', { stream: 0x8000_0000, payload: [hex('0102030405060708')] })],
        pinged,
      ],
      ['unknown-setting-ignored', 'A setting of an unknown number is ignored', [setting(0xf0f0, 1), get], answered],
      [
        'unknown-code-in-rst-stream',
        'RST_STREAM with an unknown code is taken like any other',
        [post(), frame('rst_stream', { stream: 1, payload: [{ u32: 0xff }] }), getOn(3)],
        answered,
      ],
    ],
  ),

  ...rules(
    {
      why: 'A receiver must take the size that it has announced, and has to be able to tell how much memory a frame costs before it reads it. A length that is not its type’s leaves the two sides at different places in the stream of bytes.',
      spec: ['RFC 9113 4.2'],
    },
    [
      [
        'largest-frame-taken',
        'DATA of 16,384 bytes, which everyone must take, are taken',
        [post(), data(16_384)],
        answered,
      ],
      [
        'data-too-long',
        'DATA that are longer than the server takes are an error',
        [post(), frame('data', { stream: 1, payload: [{ beyond: 'maxFrameSize' }] })],
        streamError('FRAME_SIZE_ERROR'),
      ],
      [
        'headers-too-long',
        'HEADERS that are longer than the server takes are a connection error',
        [headers({ beyond: 'maxFrameSize' })],
        sizeError,
      ],
      [
        'settings-too-long',
        'SETTINGS that are longer than the server takes are a connection error',
        [frame('settings', { payload: [{ beyond: 'maxFrameSize' }] })],
        sizeError,
      ],
      [
        'ping-too-short',
        'PING of seven bytes is a connection error',
        [frame('ping', { payload: [{ x: 7 }] })],
        sizeError,
      ],
      [
        'ping-too-long',
        'PING of nine bytes is a connection error',
        [frame('ping', { payload: [{ x: 9 }] })],
        sizeError,
      ],
      [
        'priority-too-short',
        'PRIORITY of four bytes is a stream error',
        [post(), frame('priority', { stream: 1, payload: [{ x: 4 }] })],
        streamError('FRAME_SIZE_ERROR'),
      ],
      [
        'rst-stream-too-short',
        'RST_STREAM of three bytes is a connection error',
        [post(), frame('rst_stream', { stream: 1, payload: [{ x: 3 }] })],
        sizeError,
      ],
      [
        'settings-not-in-sixes',
        'SETTINGS whose length is not a multiple of six are a connection error',
        [frame('settings', { payload: [{ x: 5 }] })],
        sizeError,
      ],
      [
        'settings-ack-with-payload',
        'An acknowledgement of SETTINGS with a payload is a connection error',
        [frame('settings', { flags: ack, payload: [{ setting: [3, 100] }] })],
        sizeError,
      ],
      [
        'window-update-too-short',
        'WINDOW_UPDATE of three bytes is a connection error',
        [frame('window_update', { payload: [{ x: 3 }] })],
        sizeError,
      ],
      [
        'goaway-too-short',
        'GOAWAY of four bytes is a connection error',
        [frame('goaway', { payload: [{ x: 4 }] })],
        sizeError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'A frame of a request that names the connection, or one of the connection that names a request, belongs to nobody. A server that guesses may do for one request what another asked.',
      spec: ['RFC 9113 6'],
    },
    [
      ['data-on-connection', 'DATA on stream 0 are a connection error', [data(5, { stream: 0 })], protocolError],
      ['headers-on-connection', 'HEADERS on stream 0 are a connection error', [getOn(0)], protocolError],
      [
        'priority-on-connection',
        'PRIORITY on stream 0 is a connection error',
        [frame('priority', { payload: dependsOn(0) })],
        protocolError,
      ],
      [
        'rst-stream-on-connection',
        'RST_STREAM on stream 0 is a connection error',
        [frame('rst_stream', { payload: [{ u32: 8 }] })],
        protocolError,
      ],
      [
        'settings-on-stream',
        'SETTINGS on a stream are a connection error',
        [post(), frame('settings', { stream: 1 })],
        protocolError,
      ],
      [
        'ping-on-stream',
        'PING on a stream is a connection error',
        [post(), frame('ping', { stream: 1, payload: [{ x: 8 }] })],
        protocolError,
      ],
      [
        'goaway-on-stream',
        'GOAWAY on a stream is a connection error',
        [post(), frame('goaway', { stream: 1, payload: [{ u32: 0 }, { u32: 0 }] })],
        protocolError,
      ],
      [
        'continuation-on-connection',
        'CONTINUATION on stream 0 is a connection error',
        [headers(request(), { flags: endStream }), frame('continuation', { flags: endHeaders })],
        protocolError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'Padding hides how long a message is, and is part of its frame: more of it than the frame has would reach into the next one.',
      spec: ['RFC 9113 6.1', 'RFC 9113 6.2'],
    },
    [
      [
        'padded-data-taken',
        'DATA with padding are taken',
        [
          post(),
          frame('data', { stream: 1, flags: padded | endStream, payload: [hex('03'), { x: 5 }, hex('000000')] }),
        ],
        answered,
      ],
      [
        'padded-headers-taken',
        'HEADERS with padding and a priority are taken',
        [headers([hex('02'), ...dependsOn(0), request(), hex('0000')], { flags: 0x5 | padded | priority })],
        answered,
      ],
      [
        'data-padding-too-long',
        'DATA with as much padding as payload are a connection error',
        [post(), frame('data', { stream: 1, flags: padded | endStream, payload: [hex('06'), { x: 5 }] })],
        protocolError,
      ],
      [
        'headers-padding-too-long',
        'HEADERS with more padding than payload are a connection error',
        [headers([hex('ff'), hex('828487')], { flags: 0x5 | padded })],
        protocolError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'Between HEADERS without END_HEADERS and the last CONTINUATION nothing else may come: the field block is one piece, and what decompresses it has one state for the whole connection.',
      spec: ['RFC 9113 4.3', 'RFC 9113 6.10'],
    },
    [
      [
        'continuation-taken',
        'A field block in HEADERS and two CONTINUATION frames is one request',
        [
          headers(request(), { flags: endStream }),
          frame('continuation', { stream: 1 }),
          frame('continuation', { stream: 1, flags: endHeaders, payload: [{ fields: [['x-a', '1']] }] }),
        ],
        answered,
      ],
      [
        'ping-in-field-block',
        'PING inside a field block is a connection error',
        [headers(request(), { flags: endStream }), ping],
        protocolError,
      ],
      [
        'data-in-field-block',
        'DATA inside a field block are a connection error',
        [headers(request([], { ':method': 'POST' }), { flags: 0 }), data(5)],
        protocolError,
      ],
      [
        'priority-in-field-block',
        'PRIORITY inside a field block is a connection error',
        [headers(request(), { flags: endStream }), frame('priority', { stream: 1, payload: dependsOn(0) })],
        protocolError,
      ],
      [
        'headers-in-field-block',
        'HEADERS of another stream inside a field block are a connection error',
        [headers(request(), { flags: endStream }), getOn(3)],
        protocolError,
      ],
      [
        'unknown-type-in-field-block',
        'A frame of an unknown type inside a field block is a connection error',
        [headers(request(), { flags: endStream }), frame(unknownType, { stream: 1 })],
        protocolError,
      ],
      [
        'continuation-of-other-stream',
        'CONTINUATION of another stream is a connection error',
        [headers(request(), { flags: endStream }), frame('continuation', { stream: 3, flags: endHeaders })],
        protocolError,
      ],
      [
        'continuation-after-end',
        'CONTINUATION after END_HEADERS is a connection error',
        [post(), frame('continuation', { stream: 1, flags: endHeaders, payload: [{ fields: [['x-a', '1']] }] })],
        protocolError,
      ],
      [
        'continuation-after-data',
        'CONTINUATION after DATA is a connection error',
        [post(), data(5, { flags: 0 }), frame('continuation', { stream: 1, flags: endHeaders })],
        protocolError,
      ],
      [
        'continuation-alone',
        'CONTINUATION without HEADERS is a connection error',
        [frame('continuation', { stream: 1, flags: endHeaders, payload: [request()] })],
        protocolError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'A setting outside its range is an endpoint that does not know what it says; what follows would be read wrongly by one of the two.',
      spec: ['RFC 9113 6.5.2'],
    },
    [
      [
        'settings-acknowledged',
        'SETTINGS are acknowledged',
        [setting(3, 100)],
        [{ frame: ['settings ack'], times: 2, due: { from: 'sent', withinMs: 1_000 } }],
      ],
      ['enable-push-out-of-range', 'SETTINGS_ENABLE_PUSH of 2 is a connection error', [setting(2, 2)], protocolError],
      [
        'initial-window-out-of-range',
        'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1 is a connection error',
        [setting(4, 0x8000_0000)],
        connectionError('FLOW_CONTROL_ERROR'),
      ],
      [
        'max-frame-size-too-small',
        'SETTINGS_MAX_FRAME_SIZE below 16,384 is a connection error',
        [setting(5, 16_383)],
        protocolError,
      ],
      [
        'max-frame-size-too-large',
        'SETTINGS_MAX_FRAME_SIZE above 2^24-1 is a connection error',
        [setting(5, 2 ** 24)],
        protocolError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'Flow control is the only protection of a receiver’s memory. A window that the two sides count differently stalls the session or floods it.',
      spec: ['RFC 9113 6.9'],
    },
    [
      [
        'window-update-of-nothing',
        'WINDOW_UPDATE of 0 for the connection is a connection error',
        [frame('window_update', { payload: [{ u32: 0 }] })],
        protocolError,
      ],
      [
        'stream-window-update-of-nothing',
        'WINDOW_UPDATE of 0 for a stream is a stream error',
        [post(), frame('window_update', { stream: 1, payload: [{ u32: 0 }] })],
        streamError('PROTOCOL_ERROR'),
      ],
      [
        'window-too-large',
        'A window of the connection above 2^31-1 is a connection error',
        [frame('window_update', { payload: [{ u32: most }] })],
        connectionError('FLOW_CONTROL_ERROR'),
      ],
      [
        'stream-window-too-large',
        'A window of a stream above 2^31-1 is a stream error',
        [post(), frame('window_update', { stream: 1, payload: [{ u32: most }] })],
        streamError('FLOW_CONTROL_ERROR'),
      ],
      [
        'window-too-large-by-setting',
        'SETTINGS_INITIAL_WINDOW_SIZE that makes a stream’s window larger than 2^31-1 is a connection error',
        [
          setting(4, 1_000),
          post(),
          frame('window_update', { stream: 1, payload: [{ u32: most - 1_000 }] }),
          setting(4, 1_001),
        ],
        connectionError('FLOW_CONTROL_ERROR'),
      ],
      [
        'window-respected',
        'A response with a window of one byte is sent one byte of',
        [setting(4, 1), get],
        [{ frame: ['data', 'goaway'], bytes: 1, due: { from: 'sent', withinMs: 1_000 } }],
      ],
      [
        'last-setting-holds',
        'Of one setting given twice the last value holds',
        [frame('settings', { payload: [{ setting: [4, 100] }, { setting: [4, 1] }] }), get],
        [{ frame: ['data', 'goaway'], bytes: 1, due: { from: 'sent', withinMs: 1_000 } }],
      ],
      [
        'window-opened-by-setting',
        'A window that SETTINGS open is used by the streams that wait',
        [setting(4, 0), get, setting(4, 1)],
        [{ frame: ['data', 'goaway'], bytes: 1, due: { from: 'sent', withinMs: 1_000 } }],
      ],
      [
        'window-opened-by-update',
        'A window that WINDOW_UPDATE opens is used by the stream that waits',
        [setting(4, 0), get, frame('window_update', { stream: 1, payload: [{ u32: 1 }] })],
        [{ frame: ['data', 'goaway'], bytes: 1, due: { from: 'sent', withinMs: 1_000 } }],
      ],
    ],
  ),

  ...rules(
    {
      why: 'Only a server may push. A client that sends PUSH_PROMISE has mistaken its part.',
      spec: ['RFC 9113 8.4', 'RFC 9113 6.6'],
    },
    [
      [
        'push-promise-from-client',
        'PUSH_PROMISE from a client is a connection error',
        [post(), frame('push_promise', { stream: 1, flags: endHeaders, payload: [{ u32: 2 }, request()] })],
        protocolError,
      ],
    ],
  ),

  ...rules(
    {
      why: 'RFC 9113 took away what RFC 7540 said of priorities, and this error with it: what a server does is written down.',
      spec: ['RFC 7540 5.3.1', 'RFC 9113 5.3.2'],
      level: 'observe',
    },
    [
      [
        'headers-depend-on-themselves',
        'HEADERS that make a stream depend on itself are a stream error',
        [headers([...dependsOn(1), request()], { flags: 0x5 | priority })],
        streamError('PROTOCOL_ERROR'),
      ],
      [
        'priority-depends-on-itself',
        'PRIORITY that makes a stream depend on itself is a stream error',
        [post(), frame('priority', { stream: 1, payload: dependsOn(1) })],
        streamError('PROTOCOL_ERROR'),
      ],
    ],
  ),

  ...rules(
    {
      why: 'GOAWAY is the last word on an error, not the end of it: until the connection is closed its descriptor and its buffers are held.',
      spec: ['RFC 9113 5.4.1'],
    },
    [
      [
        'closed-after-error',
        'A connection is closed after an error of the connection',
        [data(5, { stream: 0 })],
        [
          {
            closes: {
              due: { from: 'sent', withinMs: 1_000 },
              accept: ['goaway PROTOCOL_ERROR then fin', 'goaway PROTOCOL_ERROR then reset', 'fin', 'reset'],
            },
          },
        ],
      ],
    ],
  ),
  ...rules(
    {
      why: 'Without GOAWAY a client cannot tell an error of its own from a network that failed, and which of its requests were executed.',
      spec: ['RFC 9113 5.4.1'],
      level: 'should',
    },
    [
      [
        'error-said',
        'An error of the connection is said with GOAWAY',
        [data(5, { stream: 0 })],
        [{ frame: ['goaway'], due: { from: 'sent', withinMs: 1_000 } }],
      ],
    ],
  ),
]
