/** The moves of a connection in words. */
import type { Mark } from '../lifecycle/trail.ts'

export const markText: Readonly<Record<Mark, string>> = {
  secured: 'TLS handshake done',
  bytes: 'first byte of a request',
  request: 'request complete',
  requestWithBody: 'head of a request complete, its body follows',
  bodyEnd: 'request body complete',
  begun: 'response begun',
  blocked: 'the client takes no more of it',
  flowing: 'the client takes it again',
  answered: 'response complete',
  upgrade: 'upgraded',
  last: 'no further request is taken',
  ended: 'our side ended',
  gone: 'closed',
  bodyRefused: 'request body refused',
}
