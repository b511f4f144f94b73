/** What a connection's end and its moves are called. */
import type { By, Cause, otherCauses, Why } from '../lifecycle/cause.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'
import type { Mark } from '../lifecycle/trail.ts'

/** Why a limit ended it; the option is said behind it. */
const limitTexts: Readonly<Record<ReasonName, string>> = {
  handshake: 'its TLS handshake was not finished in time',
  silent: 'it sent nothing',
  head: 'its request head was not finished in time',
  headTooLarge: 'its request head was too large',
  headFields: 'its request head had too many fields',
  body: 'its request body fell silent',
  bodyRate: 'its request body came too slowly',
  upload: 'its request body took too long',
  bodyTooLarge: 'its request body was too large',
  handler: 'the handler took too long',
  write: 'it took nothing of its response',
  writeRate: 'it took its response too slowly',
  streamIdle: 'the application fell silent in its response',
  discard: 'it went on sending a body that nobody reads',
  lingered: 'it did not end its side',
  idle: 'it was idle',
  age: 'it was old enough',
  pressure: 'room was needed for others',
  descriptors: 'descriptors were short',
  full: 'all connections were busy',
  drained: 'the server was drained',
  cut: 'the time of the drain was over',
}

const enders: Readonly<Record<By, string>> = {
  client: 'the client',
  server: 'the server',
  kernel: 'the kernel',
  operator: 'an operator',
}

const otherTexts: Readonly<Record<keyof typeof otherCauses, string>> = {
  fin: 'FIN',
  reset: 'RST',
  left: 'FIN or RST',
  vanished: 'nobody answered its probes',
  last: 'the response said that it was the last',
  malformed: 'its request was malformed',
  surplus: 'its client has too many connections',
  application: 'the application broke off its response',
  fault: 'a fault of hangup’s',
  operator: 'closed by hand',
}

export const isLimit = (why: Why): why is ReasonName => Object.hasOwn(reasons, why)

/** For a column: `headTimeoutMs`. */
export const shortReason = (why: Why): string => (isLimit(why) ? reasons[why].option : otherTexts[why])

/** `ended by the server in state head: its request head was not finished in time (headTimeoutMs)` */
export const causeText = ({ by, phase, why }: Cause): string =>
  `ended by ${enders[by]} in state ${phase}: ${isLimit(why) ? `${limitTexts[why]} (${reasons[why].option})` : otherTexts[why]}`

export const markTexts: Readonly<Record<Mark, string>> = {
  secured: 'TLS handshake done',
  bytes: 'a request head begins',
  request: 'the request is whole',
  requestWithBody: 'the head is whole, a body follows',
  bodyEnd: 'the body is whole',
  begun: 'the response begins',
  blocked: 'the response waits for the client to read',
  flowing: 'the client has taken all so far',
  answered: 'the response is out',
  upgrade: 'another protocol from here on',
  last: 'this response will be the last',
  ended: 'our side is ended',
  gone: 'closed',
  bodyRefused: 'the rest of the body is refused',
}
