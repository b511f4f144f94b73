import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import { endedText, listText, openText } from './text.ts'

const openedAt = Date.UTC(2026, 10, 29, 22, 31, 6)
const uploaded: EndedConnection = {
  ...{ id: 17, peer: '10.0.0.7:50312', by: 'server', phase: 'body', why: 'body', route: 'POST /\x1b[31m' },
  ...{ openedAt, endedAt: openedAt + 3_000, requests: 1, received: 2_048, sent: 107, movesLeftOut: 0 },
  moves: [
    { mark: 'secured', atMs: 500 },
    { mark: 'requestWithBody', atMs: 1_000 },
    { mark: 'bodyRefused', atMs: 2_500 },
    { mark: 'gone', atMs: 3_000 },
  ],
}

test('an end is told move by move, each with its state and a bar until the next', () => {
  assert.equal(
    endedText(uploaded, 80),
    `#17  10.0.0.7:50312  POST /␛[31m
  ended by the server in state body: its request body fell silent
  (bodyTimeoutMs)
  opened 2026-11-29 22:31:06.000Z, for 3 s; 1 request, 2 kB received, 107 B sent

      0 ms  handshake  ━━━                   opened
    500 ms  accepted      ━━━━               TLS handshake done
       1 s  body             ━━━━━━━━━━━     the head is whole, a body follows
     2.5 s  body                       ━━━━  the rest of the body is refused
       3 s  closing                       ╸  closed
`,
  )
})

test('moves that were not kept are said to be missing, and no state is made up', () => {
  const text = endedText({ ...uploaded, movesLeftOut: 4, moves: uploaded.moves.slice(2) }, 80)
  assert.match(text, /4 moves before these were not kept/)
  assert.doesNotMatch(text, /opened\n|accepted|handshake/)
})

test('no move is told to have come before the one above it', () => {
  const moves = [
    { mark: 'request', atMs: 10 },
    { mark: 'left', atMs: 1_500 },
    { mark: 'last', atMs: 10 },
    { mark: 'gone', atMs: 3_000 },
  ] as const
  const text = endedText({ ...uploaded, phase: 'handling', moves }, 80)
  assert.match(
    text,
    / 1\.5 s {2}handling .* the client ends its side\n +1\.5 s {2}handling .* this response will be the last\n/,
  )
})

test('a list has a line for each end, and the option that was to blame', () => {
  const [, line] = listText([uploaded], 120).split('\n')
  assert.equal(
    line?.trim().replace(/ {2,}/g, '  '),
    '22:31:09.000  #17  10.0.0.7:50312  3 s  1  server  body  bodyTimeoutMs',
  )
})

test('an open connection is told until now, with what closes it next', () => {
  const open = {
    id: 3,
    peer: 'unix',
    received: 40,
    sent: 90,
    route: null,
    state: 'idle',
    forMs: 400,
    openedAt,
  } as const
  const moves = [
    { mark: 'request', atMs: 100 },
    { mark: 'answered', atMs: 600 },
  ] as const
  const view = {
    ...open,
    requests: 1,
    dueInMs: 4_600,
    dueBy: 'idleTimeoutMs',
    changedLimits: null,
    moves,
    movesLeftOut: 0,
  } as const
  const text = openText(view, openedAt + 1_000, 80)
  assert.match(text, /open, in state idle for 400 ms; idleTimeoutMs closes it in 4\.6 s/)
  assert.match(text, / 600 ms {2}idle +━{8} {2}the response is out\n$/)
})
