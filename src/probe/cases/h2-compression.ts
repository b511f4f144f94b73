/** HPACK (RFC 7541): the one state that all requests of a session share. */
import type { FrameData } from '../client/h2.ts'
import { endHeaders } from '../client/h2-frame.ts'
import { answered, connectionError, fields, getOn, headers, hex, request, rules } from './h2-rules.ts'

const compressionError = connectionError('COMPRESSION_ERROR')
/** A request, and these bytes behind its fields. */
const ending = (digits: string): FrameData[] => [headers([request(), hex(digits)])]
const beginning = (digits: string): FrameData[] => [headers([hex(digits), request()])]
/** `x-a` with a value that is Huffman-coded, so. */
const coded = (digits: string) => ending(`00 03782d61 ${digits}`)

export default [
  ...rules(
    {
      why: 'What decompresses is the same for all requests of a session. After one block that it could not read its table is not the client’s any more, and the next request would be given fields that nobody sent.',
      spec: ['RFC 7541 2.3.3', 'RFC 7541 6.1', 'RFC 9113 4.3'],
    },
    [
      ['hpack-index-zero', 'A field with index 0 is a connection error', ending('80'), compressionError],
      [
        'hpack-index-beyond',
        'A field with an index beyond both tables is a connection error',
        ending('be'),
        compressionError,
      ],
      [
        'hpack-index-far-beyond',
        'A field with an index of 2^28 is a connection error',
        ending('ff80ffffff00'),
        compressionError,
      ],
      [
        'hpack-name-beyond',
        'A name with an index beyond both tables is a connection error',
        ending('7e0131'),
        compressionError,
      ],
      [
        'hpack-block-cut-in-string',
        'A block that ends inside a string is a connection error',
        ending('00 0a 782d61'),
        compressionError,
      ],
      [
        'hpack-block-cut-in-integer',
        'A block that ends inside a number is a connection error',
        ending('ff'),
        compressionError,
      ],
      [
        'hpack-integer-too-large',
        'A number that fits into no variable is a connection error',
        ending('00 7fffffffffffffffffffff7f'),
        compressionError,
      ],
      [
        'hpack-block-garbage',
        'A block of random bytes is a connection error',
        [headers(hex('fffefdfcfbfaf9f8f7'))],
        compressionError,
      ],
    ],
  ),
  ...rules(
    {
      why: 'Only one coding of each string is right. Padding that may be anything hides bytes from whoever compares, and EOS inside a string ends it for one reader and not for another.',
      spec: ['RFC 7541 5.2'],
    },
    [
      ['hpack-huffman-taken', 'A value that is Huffman-coded is taken', coded('82 1c7f'), answered],
      [
        'hpack-huffman-padded-with-zeros',
        'A Huffman-coded string that is padded with zeros is a connection error',
        coded('81 18'),
        compressionError,
      ],
      [
        'hpack-huffman-padded-too-long',
        'A Huffman-coded string with eight bits of padding or more is a connection error',
        coded('83 1c7fff'),
        compressionError,
      ],
      [
        'hpack-huffman-with-eos',
        'EOS in a Huffman-coded string is a connection error',
        coded('85 1fffffffff'),
        compressionError,
      ],
    ],
  ),
  ...rules(
    {
      why: 'The table’s size is the server’s memory, and its changes are ordered: at the beginning of a block, and never more than the server allows.',
      spec: ['RFC 7541 4.2', 'RFC 7541 6.3'],
    },
    [
      [
        'hpack-size-update-taken',
        'Updates of the table’s size at the beginning of a block are taken',
        beginning('20 3f e1 01'),
        answered,
      ],
      [
        'hpack-size-update-at-end',
        'An update of the table’s size after a field is a connection error',
        ending('20'),
        compressionError,
      ],
      [
        'hpack-size-update-too-large',
        'An update of the table’s size beyond what the server allows is a connection error',
        beginning('3f e1 ff ff ff 07'),
        compressionError,
      ],
    ],
  ),
  ...rules(
    {
      why: 'Browsers compress every request against those before it. A server that loses an entry, or keeps one that was evicted, answers another request than was asked.',
      spec: ['RFC 7541 2.3', 'RFC 7541 6.2'],
    },
    [
      [
        'hpack-table-used',
        'A field that an earlier request has put into the table is found there',
        [headers([request(), hex('40 03782d61 0131')]), headers([request(), hex('be')], { stream: 3 })],
        [{ frame: ['answer', 'rst_stream', 'goaway'], status: 200, times: 2, due: { from: 'sent', withinMs: 1_000 } }],
      ],
      [
        'hpack-table-emptied',
        'A field that was in the table before it was emptied is a connection error',
        [headers([request(), hex('40 03782d61 0131')]), headers([hex('20'), request(), hex('be')], { stream: 3 })],
        compressionError,
      ],
      [
        'hpack-static-fields-taken',
        'Fields with an index of the static table are taken',
        [headers([hex('82 87'), fields([':path', '{hello}'], [':authority', '{host}'])])],
        answered,
      ],
      [
        'hpack-never-indexed-taken',
        'A field that is never to be indexed is taken, and is not in the table',
        [headers([request(), hex('10 03782d61 0131')]), getOn(3)],
        answered,
      ],
      [
        'hpack-block-split-anywhere',
        'A block that is split inside a string is one block',
        [
          headers([request(), hex('00 0378')], { flags: 1 }),
          { frame: 'continuation', stream: 1, flags: endHeaders, payload: [hex('2d61 0131')] },
        ],
        answered,
      ],
    ],
  ),
]
