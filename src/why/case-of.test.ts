import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import { readCases } from '../probe/case-file.ts'
import { caseOf } from './case-of.ts'

type Moves = EndedConnection['moves']

const movesOf = (text: string): Moves =>
  text.split(' ').map((move) => {
    const [mark, atMs] = move.split('@')
    return { mark, atMs: Number(atMs) } as Moves[number]
  })

/** `moves`: `request@3 answered@9`. */
function ended(moves: string, of: Partial<EndedConnection>): EndedConnection {
  const openedAt = Date.UTC(2026, 10, 29, 22, 31, 6)
  const all = movesOf(moves)
  return {
    ...{ id: 17, peer: '10.0.0.7:50312', by: 'server', phase: 'head', why: 'head', route: null },
    ...{ openedAt, endedAt: openedAt + all.at(-1)!.atMs, requests: 1, received: 100, sent: 100 },
    ...{ moves: all, movesLeftOut: 0 },
    ...of,
  }
}

function stepsOf(moves: string, of: Partial<EndedConnection>): readonly object[] {
  const saved = caseOf(ended(moves, of))
  assert.ok('case' in saved, 'why' in saved ? saved.why : '')
  const complaints: string[] = []
  readCases([saved.case], false, (why) => complaints.push(why))
  assert.deepEqual(complaints, [])
  const [first, ...rest] = saved.case.steps
  assert.deepEqual(first, { connect: 'again' })
  return rest
}

const whole = 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n\r\n'
const answer = { answer: { status: '2xx', within: 10_000 } }

test('a head that was cut is sent in two halves, a little further apart than it was waited for', () => {
  assert.deepEqual(stepsOf('bytes@300 ended@2001 gone@2050', {}), [
    { wait: 300 },
    { send: 'GET {hello} HTTP/1.1\r\n' },
    { wait: 2_201 },
    { send: 'Host: {host}\r\n\r\n' },
    answer,
  ])
})

test('the last request that was answered, and no earlier one, comes before what was cut', () => {
  const moves = 'request@1 answered@2 request@5000 answered@5010 ended@10010 gone@10011'
  assert.deepEqual(stepsOf(moves, { why: 'idle', phase: 'idle' }), [
    { send: whole },
    { answer: { status: 'any', within: 10_000 }, setup: true },
    { wait: 5_500 },
    { request: 'GET {hello}' },
    answer,
  ])
  const kept = stepsOf(moves, { why: 'idle', phase: 'idle', movesLeftOut: 9 })
  assert.equal(kept.length, 5)
})

test('a body that was refused goes on after its pause, and its 408 is not taken for what was wanted', () => {
  const of = { why: 'body', phase: 'body', route: 'POST /up{load}' } as const
  assert.deepEqual(stepsOf('requestWithBody@4 bodyRefused@3004 answered@3005 ended@3006 gone@3010', of), [
    { send: 'POST /up%7Bload%7D HTTP/1.1\r\nContent-Length: 16\r\nHost: {host}\r\n\r\nxxxxxxxx' },
    { wait: 3_500 },
    { send: 'xxxxxxxx' },
    answer,
  ])
})

test('a body that came too slowly comes as slowly, and for longer', () => {
  const of = { why: 'bodyRate', phase: 'body', received: 400 } as const
  const [head, pieces] = stepsOf('requestWithBody@0 bodyRefused@4000 gone@4000', of)
  assert.deepEqual(pieces, { send: 'x'.repeat(25), everyMs: 250, times: 18 })
  assert.match(JSON.stringify(head), /POST .*Content-Length: 450/)
})

test('a client that went because nobody answered expects the response while it still waited', () => {
  const of = { by: 'client', why: 'fin', phase: 'handling', route: 'GET /slow' } as const
  for (const moves of [
    'request@10 gone@510',
    'request@10 answered@510 gone@511',
    'request@10 left@510 answered@900 gone@901',
  ]) {
    assert.deepEqual(stepsOf(moves, of), [
      { send: 'GET /slow HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { answer: { status: '2xx', within: 500 } },
    ])
  }
})

test('a client that did not read does so again', () => {
  const steps = stepsOf('request@1 begun@2 blocked@3 ended@5003 gone@5003', { why: 'write', phase: 'writing' })
  assert.deepEqual(steps.slice(1), [{ read: 'pause' }, { wait: 5_503 }, { read: 'resume' }, answer])
})

test('what one client can not bring about again is refused with the reason', () => {
  const refusals: readonly [string, Partial<EndedConnection>, RegExp][] = [
    [
      'request@1 answered@2 gone@9',
      { by: 'client', why: 'fin', phase: 'idle' },
      /ended by the client in state idle: FIN;/,
    ],
    ['request@1 answered@2 gone@9', { why: 'pressure', phase: 'idle' }, /room was needed for others/],
    ['request@1 gone@9', { by: 'operator', why: 'cut', phase: 'handling' }, /by an operator/],
    ['request@1 gone@9', { by: 'kernel', why: 'vanished', phase: 'idle' }, /by the kernel/],
    ['upgrade@1 gone@9', { why: 'fault', phase: 'upgraded' }, /another protocol/],
    ['bytes@1 gone@9', { movesLeftOut: 3 }, /was not kept/],
  ]
  for (const [moves, of, why] of refusals) {
    const saved = caseOf(ended(moves, of))
    assert.match('why' in saved ? saved.why : 'a case', why)
  }
})
