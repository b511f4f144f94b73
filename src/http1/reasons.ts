/**
 * Why a message is refused. One table: the parser names the row, the engine answers its status and
 * closes, the log and the docs quote it. Where RFC 9112 lets a recipient choose between repair and
 * refusal, the row refuses: repair is how one message becomes two for the next hop.
 */
import type { ReasonName } from '../lifecycle/reasons.ts'

export interface Reason {
  /** What a server answers; 502 where only an answer can be wrong in this way. */
  readonly status: 400 | 413 | 414 | 431 | 501 | 502 | 505
  readonly rfc: string
  readonly text: string
  /** The limit that it breaks, by whose reason it is counted; without one it is malformed. */
  readonly breaks?: ReasonName
}

export const reasons = {
  // The start line.
  'empty-lines': { status: 400, rfc: 'RFC 9112 2.2', text: 'too many empty lines before the request line' },
  'bad-method': { status: 400, rfc: 'RFC 9110 9.1', text: 'the method is not a token' },
  'method-too-long': { status: 501, rfc: 'RFC 9112 3', text: 'the method is longer than any we know' },
  'connect-refused': { status: 501, rfc: 'RFC 9110 9.3.6', text: 'CONNECT is not served' },
  'bad-request-line': { status: 400, rfc: 'RFC 9112 3', text: 'not method, target and version with one space between' },
  'bad-target': {
    status: 400,
    rfc: 'RFC 9112 3.2',
    text: 'the target has none of the four forms, or not for this method',
  },
  'target-too-long': { status: 414, rfc: 'RFC 9112 3', text: 'the target is too long' },
  'bad-version': { status: 400, rfc: 'RFC 9112 2.3', text: 'the version is not HTTP/digit.digit' },
  'version-not-supported': { status: 505, rfc: 'RFC 9110 15.6.6', text: 'the major version is not 1' },
  'bad-status-line': { status: 502, rfc: 'RFC 9112 4', text: 'not version, three digits and a reason' },

  // Lines and fields.
  'bare-cr': { status: 400, rfc: 'RFC 9112 2.2', text: 'a CR without LF' },
  'bare-lf': { status: 400, rfc: 'RFC 9112 2.2', text: 'an LF without CR' },
  'control-byte': { status: 400, rfc: 'RFC 9110 5.5', text: 'NUL or another control byte in the head' },
  'bad-field-name': { status: 400, rfc: 'RFC 9110 5.1', text: 'a field name that is empty or not a token' },
  'space-before-colon': { status: 400, rfc: 'RFC 9112 5.1', text: 'white space between field name and colon' },
  'obs-fold': { status: 400, rfc: 'RFC 9112 5.2', text: 'a field continued on a second line' },
  'field-too-long': { status: 431, rfc: 'RFC 6585 5', text: 'a field line is too long', breaks: 'headTooLarge' },
  'too-many-fields': { status: 431, rfc: 'RFC 6585 5', text: 'too many fields', breaks: 'headFields' },
  'head-too-large': { status: 431, rfc: 'RFC 6585 5', text: 'the head is too large', breaks: 'headTooLarge' },

  // Host.
  'missing-host': { status: 400, rfc: 'RFC 9112 3.2', text: 'HTTP/1.1 without Host' },
  'repeated-host': { status: 400, rfc: 'RFC 9112 3.2', text: 'more than one Host' },
  'bad-host': { status: 400, rfc: 'RFC 9112 3.2', text: 'Host is not a host with an optional port' },

  // Framing.
  'bad-content-length': { status: 400, rfc: 'RFC 9110 8.6', text: 'Content-Length is not digits up to 2^53 - 1' },
  'repeated-content-length': {
    status: 400,
    rfc: 'RFC 9112 6.3',
    text: 'more than one Content-Length, or a list of them',
  },
  'length-and-coding': { status: 400, rfc: 'RFC 9112 6.3', text: 'Content-Length with Transfer-Encoding' },
  'coding-in-http-1.0': { status: 400, rfc: 'RFC 9112 6.1', text: 'Transfer-Encoding in HTTP/1.0' },
  'bad-coding': {
    status: 400,
    rfc: 'RFC 9112 6.3',
    text: 'Transfer-Encoding is malformed or its last coding is not chunked',
  },
  'unknown-coding': { status: 501, rfc: 'RFC 9112 6.1', text: 'a transfer coding other than chunked' },
  'body-too-large': {
    status: 413,
    rfc: 'RFC 9110 15.5.14',
    text: 'the body is larger than maxBodyBytes',
    breaks: 'bodyTooLarge',
  },
  'bad-chunk-size': {
    status: 400,
    rfc: 'RFC 9112 7.1',
    text: 'a chunk size that is empty, not hexadecimal or over 2^53 - 1',
  },
  'bad-chunk-extension': { status: 400, rfc: 'RFC 9112 7.1.1', text: 'a malformed chunk extension' },
  'chunk-extension-too-long': { status: 413, rfc: 'RFC 9112 7.1.1', text: 'chunk extensions are too long' },
  'bad-chunk-end': { status: 400, rfc: 'RFC 9112 7.1', text: 'a chunk does not end with CRLF' },
  'forbidden-trailer': { status: 400, rfc: 'RFC 9110 6.5.1', text: 'a trailer field that is only valid in a head' },

  // The connection.
  'cut-off': { status: 400, rfc: 'RFC 9112 8', text: 'the connection ended inside a message' },
  'extra-bytes': { status: 502, rfc: 'RFC 9112 9.2', text: 'bytes that belong to no answer' },
} as const satisfies Record<string, Reason>

export type ReasonId = keyof typeof reasons
