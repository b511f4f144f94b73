/** HTTP/2 streams: their states, their numbers, and how many there may be. */
import { endHeaders } from '../client/h2-frame.ts'
import {
  answered,
  anyStreamError,
  connectionError,
  data,
  frame,
  get,
  getOn,
  headers,
  malformed,
  post,
  request,
  rules,
  streamError,
} from './h2-rules.ts'

const protocolError = connectionError('PROTOCOL_ERROR')
const reset = frame('rst_stream', { stream: 1, payload: [{ u32: 8 }] })
const prioritised = frame('priority', { stream: 1, payload: [{ u32: 0 }, { hex: '0f' }] })
const opened = frame('window_update', { stream: 1, payload: [{ u32: 100 }] })

export default [
  ...rules(
    {
      why: 'A stream begins with HEADERS. Anything else on one that has not begun is for a request that the two sides do not both know.',
      spec: ['RFC 9113 5.1'],
    },
    [
      ['data-on-idle-stream', 'DATA on a stream that has not begun are a connection error', [data(5)], protocolError],
      [
        'rst-stream-on-idle-stream',
        'RST_STREAM on a stream that has not begun is a connection error',
        [reset],
        protocolError,
      ],
      [
        'window-update-on-idle-stream',
        'WINDOW_UPDATE on a stream that has not begun is a connection error',
        [opened],
        protocolError,
      ],
      [
        'priority-on-idle-stream-taken',
        'PRIORITY on a stream that has not begun is taken',
        [frame('priority', { stream: 3, payload: [{ u32: 0 }, { hex: '0f' }] }), get],
        answered,
      ],
    ],
  ),
  ...rules(
    {
      why: 'END_STREAM is a promise that nothing follows. A server that takes more for the same request can be made to see two bodies where a proxy saw one.',
      spec: ['RFC 9113 5.1', 'RFC 9113 6.1'],
    },
    [
      ['data-after-end', 'DATA after END_STREAM are an error', [get, data(5)], streamError('STREAM_CLOSED')],
      [
        'headers-after-end',
        'HEADERS after END_STREAM are an error',
        [get, headers({ fields: [['x-a', '1']] })],
        streamError('STREAM_CLOSED'),
      ],
      [
        'continuation-after-end-of-stream',
        'CONTINUATION after a whole request is a connection error',
        [get, frame('continuation', { stream: 1, flags: endHeaders })],
        connectionError('PROTOCOL_ERROR', 'STREAM_CLOSED'),
      ],
      ['window-update-after-end-taken', 'WINDOW_UPDATE after END_STREAM is taken', [get, opened], answered],
      ['priority-after-end-taken', 'PRIORITY after END_STREAM is taken', [get, prioritised], answered],
      [
        'rst-stream-after-end-taken',
        'RST_STREAM after END_STREAM ends that stream alone',
        [get, reset, getOn(3)],
        answered,
      ],
      [
        'priority-after-reset-taken',
        'PRIORITY after RST_STREAM is taken',
        [post(), reset, prioritised, getOn(3)],
        answered,
      ],
      [
        'rst-stream-twice-taken',
        'A second RST_STREAM of one stream disturbs no other',
        [post(), reset, reset, getOn(3)],
        answered,
      ],
    ],
  ),
  ...rules(
    {
      why: 'Frames that a client sent before it reset the stream may arrive after. RFC 9113 lets a server drop them or end the connection; RFC 7540 asked for the error. What a server does is written down.',
      spec: ['RFC 9113 5.1', 'RFC 7540 5.1'],
      level: 'observe',
    },
    [
      [
        'data-after-reset',
        'DATA on a stream that the client has reset are an error',
        [post(), reset, data(5)],
        streamError('STREAM_CLOSED'),
      ],
      [
        'window-update-after-reset',
        'WINDOW_UPDATE on a stream that the client has reset is an error',
        [post(), reset, opened],
        streamError('STREAM_CLOSED'),
      ],
    ],
  ),
  ...rules(
    {
      why: 'Numbers tell the two sides’ streams apart and their order: GOAWAY says with one number which requests were seen. A number that is used twice, or goes back, makes that a lie.',
      spec: ['RFC 9113 5.1.1'],
    },
    [
      ['even-stream', 'A stream of a client with an even number is a connection error', [getOn(2)], protocolError],
      [
        'stream-going-back',
        'A new stream with a smaller number than the last is a connection error',
        [getOn(5), getOn(3)],
        connectionError('PROTOCOL_ERROR', 'STREAM_CLOSED'),
      ],
      [
        'stream-number-of-reset',
        'A stream that was reset is not opened again',
        [post(), reset, get],
        connectionError('PROTOCOL_ERROR', 'STREAM_CLOSED'),
      ],
      ['stream-numbers-skipped', 'Numbers of streams may be skipped', [getOn(101)], answered],
    ],
  ),
  ...rules(
    {
      why: 'The limit bounds what one connection may ask for at once. A server that announces it and takes more has none.',
      spec: ['RFC 9113 5.1.2'],
    },
    [
      [
        'streams-beyond-limit',
        'One stream more than SETTINGS_MAX_CONCURRENT_STREAMS is refused',
        [{ requests: 'beyond-limit', path: '{upload}' }],
        anyStreamError('REFUSED_STREAM', 'PROTOCOL_ERROR'),
      ],
    ],
  ),
  ...rules(
    {
      why: 'A head, a body and one trailer section, which ends the message: another order would be another message to whoever reads on.',
      spec: ['RFC 9113 8.1'],
    },
    [
      [
        'trailers-taken',
        'A trailer section after the body is taken',
        [post(), data(5, { flags: 0 }), headers({ fields: [['x-checksum', '1']] })],
        answered,
      ],
      [
        'trailers-without-end',
        'A second field section without END_STREAM is malformed',
        [post(), data(5, { flags: 0 }), headers({ fields: [['x-checksum', '1']] }, { flags: endHeaders })],
        malformed,
      ],
      [
        'pseudo-header-in-trailers',
        'A pseudo-header field in a trailer section is malformed',
        [post(), data(5, { flags: 0 }), headers({ fields: [[':method', 'GET']] })],
        malformed,
      ],
      [
        'requests-side-by-side',
        'A request is answered while the one before it waits for its body',
        [post(), headers(request(), { stream: 3 })],
        answered,
      ],
    ],
  ),
]
