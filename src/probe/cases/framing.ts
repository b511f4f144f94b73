/**
 * Where one message ends and the next begins, where stock servers get it wrong: each of these was
 * seen on at least one.
 */
import type { Case } from '../case.ts'
import type { Step } from '../words/index.ts'
import { get } from './texts.ts'

const profile = 'timed'
const needs = ['plain-get']
/** A server that closes after each answer has an answer to HEAD as well. */
const getOnce = 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'
const head = 'HEAD {hello} HTTP/1.1\r\nHost: {host}\r\n\r\n'
const nextIsAnswered: readonly Step[] = [{ send: get }, { answer: { status: [200], within: 1_000 } }]
const upload = (fields: string, version = '1.1') => `POST {upload} HTTP/${version}\r\nHost: {host}\r\n${fields}\r\n\r\n`

export default [
  {
    id: 'head-in-step',
    level: 'must',
    title: 'HEAD is answered without a body, and the next request is answered',
    why: 'A body after HEAD is read as the next response.',
    spec: ['RFC 9110 9.3.2'],
    profile,
    needs,
    steps: [{ send: head }, { answer: { status: [200], bytes: 0, within: 1_000 } }, ...nextIsAnswered],
  },
  {
    id: 'head-says-date',
    level: 'must',
    title: 'The response to HEAD has a Date',
    why: 'A cache refreshes the age of what it holds by it.',
    spec: ['RFC 9110 6.6.1'],
    profile,
    needs: ['head-in-step'],
    steps: [{ send: head }, { answer: { status: [200], header: { name: 'date', matches: 'GMT$' }, within: 1_000 } }],
  },
  {
    id: 'head-says-length',
    level: 'must',
    title: 'A Content-Length that HEAD says is the size that GET gives',
    why: 'A client asks HEAD whether to download, and a cache updates by it what it holds. No length is not a lie; another length is.',
    spec: ['RFC 9110 8.6', 'RFC 9110 9.3.2'],
    profile,
    steps: [
      { send: getOnce },
      { answer: { status: [200], size: 'note', within: 1_000 } },
      { connect: 'again' },
      { send: getOnce.replace('GET', 'HEAD') },
      { answer: { status: [200], size: 'said', within: 1_000 } },
      { connect: 'again' },
      { send: getOnce },
      { answer: { status: [200], size: 'same', within: 1_000 } },
    ],
  },
  {
    id: 'no-content-in-step',
    level: 'must',
    title: '204 has no body and no length, and the next request is answered',
    why: 'A client that believes the length waits for bytes that never come.',
    spec: ['RFC 9110 8.6', 'RFC 9110 15.3.5'],
    profile,
    needs,
    steps: [
      { send: 'GET {empty} HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { answer: { status: [204], header: { name: 'content-length', absent: true }, bytes: 0, within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'reset-content-in-step',
    level: 'must',
    title: '205 says that it is empty, and the next request is answered',
    why: 'Without a length a client reads until the close.',
    spec: ['RFC 9110 15.3.6'],
    profile,
    needs,
    steps: [
      { send: 'GET {reset} HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { answer: { status: [205], bytes: 0, within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'broken-answer-not-whole',
    level: 'policy',
    title: 'A response that breaks in the middle never looks whole',
    why: 'A last chunk after half a file makes it a whole file to every cache.',
    spec: ['RFC 9112 8'],
    profile,
    needs,
    steps: [
      { send: 'GET {broken} HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { received: 20, within: 1_000, setup: true },
      {
        closes: { due: { from: 'sent', withinMs: 1_500 }, accept: ['partial 200 then reset', 'partial 200 then fin'] },
      },
      { alive: true },
    ],
  },
  {
    id: 'upgrade-ignored',
    level: 'policy',
    title: 'An Upgrade that nobody accepts is ignored, and the next request answered',
    why: 'Browsers and Java clients offer h2c on their first request.',
    spec: ['RFC 9110 7.8'],
    profile,
    needs,
    steps: [
      {
        send:
          'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n' +
          'HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
      },
      { answer: { status: [200], contains: 'hello', within: 1_000 } },
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\n\r\n' },
      { answer: { status: [200], contains: 'hello', within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'upgrade-websocket-ignored',
    level: 'policy',
    title: 'A WebSocket that the route does not accept is answered as a request, and the next one too',
    why: 'A refusal that ends the connection costs the client a new one.',
    spec: ['RFC 9110 7.8'],
    profile,
    needs,
    steps: [
      {
        send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      },
      { answer: { status: [200], contains: 'hello', within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'continue-when-asked',
    level: 'must',
    title: '100 goes to a client that asks for it, in upper or lower case',
    why: 'curl waits a second for it; a client that never gets it never sends.',
    spec: ['RFC 9110 10.1.1'],
    profile,
    needs,
    steps: [
      { send: upload('Content-Length: 5\r\nExpect: 100-Continue') },
      { interim: { exactly: [100], within: 500 } },
      { send: 'hello' },
      { answer: { status: [200], contains: '5', within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'no-continue-unasked',
    level: 'must',
    title: 'No 100 goes to an HTTP/1.0 client, whatever it asks for',
    why: 'HTTP/1.0 takes it for the response.',
    spec: ['RFC 9110 10.1.1', 'RFC 9110 15.2'],
    profile,
    needs,
    steps: [
      { send: upload('Content-Length: 5\r\nExpect: 100-continue', '1.0') },
      { interim: { exactly: [], within: 200 } },
      { send: 'hello' },
      { answer: { status: [200], within: 1_000 } },
    ],
  },
  {
    id: 'no-continue-unexpected',
    level: 'policy',
    title: 'No 100 goes to a client that did not ask for it',
    why: 'A client may discard it, and simple ones take it for the response.',
    spec: ['RFC 9110 15.2.1'],
    profile,
    needs,
    steps: [
      { send: upload('Content-Length: 5') },
      { interim: { exactly: [], within: 200 } },
      { send: 'hello' },
      { answer: { status: [200], within: 1_000 } },
    ],
  },
  {
    id: 'early-answer-to-expecting',
    level: 'policy',
    title: 'A client that waits for 100 is answered early without having sent its body',
    why: 'That is what Expect is for.',
    spec: ['RFC 9110 10.1.1'],
    profile,
    needs,
    steps: [
      { send: 'POST {early} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8388608\r\nExpect: 100-continue\r\n\r\n' },
      { answer: { status: [413], within: 1_000 } },
    ],
  },
  {
    id: 'no-continue-before-refusal',
    level: 'policy',
    title: 'A body that the application refuses unread is not asked for with 100',
    why: 'After 100 the client sends what nobody wants.',
    spec: ['RFC 9110 10.1.1'],
    profile,
    needs: ['early-answer-to-expecting'],
    steps: [
      { send: 'POST {early} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8388608\r\nExpect: 100-continue\r\n\r\n' },
      { answer: { status: [413], within: 1_000 } },
      { interim: { exactly: [], within: 0 } },
    ],
  },
  {
    id: 'trailers-read',
    level: 'must',
    title: 'Trailers are read, and the next request works',
    why: 'Unread they are the beginning of the next request.',
    spec: ['RFC 9112 6.1', 'RFC 9112 7.1.2'],
    profile,
    needs,
    steps: [
      { send: `${upload('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n` },
      { answer: { status: [200], contains: '5', within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'chunk-extensions-read',
    level: 'must',
    title: 'Chunk extensions that nobody knows are ignored',
    why: 'A recipient must ignore them.',
    spec: ['RFC 9112 7.1.1'],
    profile,
    needs,
    steps: [
      { send: `${upload('Transfer-Encoding: chunked')}5;a=b;c="d"\r\nhello\r\n0\r\n\r\n` },
      { answer: { status: [200], contains: '5', within: 1_000 } },
      ...nextIsAnswered,
    ],
  },
  {
    id: 'bad-pipelined-request',
    level: 'policy',
    title: 'A malformed pipelined request does not take the response to the good one before it',
    why: 'The good one has been executed.',
    spec: ['RFC 9112 9.3.2'],
    profile,
    needs,
    steps: [
      { send: 'GET {slow}?ms=300 HTTP/1.1\r\nHost: {host}\r\n\r\nGET {hello} HTTP/1.1\r\nHost : {host}\r\n\r\n' },
      { answer: { status: [200], within: 2_000 } },
      { closes: { due: { from: 'received', withinMs: 1_000 }, accept: ['400 then fin'] } },
    ],
  },
  {
    id: 'absolute-target-decides',
    level: 'must',
    title: 'The authority of an absolute target wins over Host',
    why: 'Software that looks at the other one sees another site.',
    spec: ['RFC 9112 3.2.2'],
    profile,
    needs,
    steps: [
      { send: 'GET http://target.example{authority} HTTP/1.1\r\nHost: host.example\r\n\r\n' },
      { answer: { status: [200], contains: 'target.example', within: 1_000 } },
    ],
  },
  {
    id: 'later-minor-version',
    level: 'should',
    title: 'A later minor version is answered as HTTP/1.1',
    why: 'Minor versions are compatible.',
    spec: ['RFC 9110 2.5'],
    profile,
    needs,
    steps: [{ send: 'GET {hello} HTTP/1.2\r\nHost: {host}\r\n\r\n' }, { answer: { status: [200], within: 1_000 } }],
  },
] satisfies Case[]
