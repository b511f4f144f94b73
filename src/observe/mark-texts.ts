/** The moves of a connection in words. */
import type { Mark } from '../lifecycle/trail.ts'

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
  left: 'the client ends its side',
  bodyRefused: 'the rest of the body is refused',
}
