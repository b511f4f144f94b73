import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { cases } from '../cases/index.ts'
import { descriptorLimitOf } from '../client/kernel.ts'
import { findingOf, knownFrom, questions } from '../find/discover.ts'
import type { Judged } from '../probing.ts'
import type { CaseRun } from '../run.ts'
import { type Probed, reportOf } from './probed.ts'
import { toText } from './text.ts'

const runOf = (id: string, more: Partial<CaseRun>): CaseRun => ({
  ...{ id, verdict: 'pass', observed: null, observedMs: null, expected: null, reason: null, tookMs: 1, timelines: [] },
  ...more,
})
const judged = (id: string, more: Partial<CaseRun>, level?: 'observe'): Judged => {
  const theCase = cases.find((one) => one.id === id)!
  return { case: { ...theCase, ...(level && { level }) }, run: runOf(id, more) }
}
const open = { verdict: 'fail', observed: 'open', observedMs: 75_000, reason: 'still open after 75000 ms' } as const
const found = (id: string, ...looks: Partial<CaseRun>[]) =>
  findingOf(
    questions.find((one) => one.case === id)!,
    looks.map((look) => runOf(id, look)),
    75_000,
  )

const told = (more: Partial<Probed>): Probed => ({
  ...{ startedAt: new Date(0), tls: false, source: 'measured' },
  ...{ url: 'http://127.0.0.1:1', server: 'gevent', tookMs: 76_000, descriptorLimit: null, cutShort: null },
  ...{ judged: [], findings: [], known: knownFrom([]) },
  ...more,
})

const summary = (some: Probed, columns: number) => toText(reportOf(some), columns)

describe('the summary', () => {
  test('names a leak and what it costs in its first lines', () => {
    const text = summary(
      told({
        findings: [found('idle-after-response', open), found('partial-head', open)],
        judged: [judged('idle-after-response', open), judged('plain-get', {})],
      }),
      100,
    )
    const [first = ''] = text.split('\n\n')
    assert.match(first, /^LEAK: a connection that was idle after its response was not closed within 75s: /)
    assert.match(
      first.replaceAll('\n', ' '),
      /holds a descriptor for that long or longer; at ulimit -n 1024, 1024 of them and no further client/,
    )
    assert.equal(first.match(/ulimit/g)?.length, 1)
    assert.equal(first.match(/LEAK/g)?.length, 2)
    assert.doesNotMatch(text, /failed:/, 'what leaks is not said twice')
    assert.match(text, /1 pass, 1 fail in 76\.00 s\n$/)
  })

  test('counts in the server’s own limit of descriptors where that can be seen', () => {
    const text = summary(told({ findings: [found('idle-after-response', open)], descriptorLimit: 256 }), 120)
    assert.match(text.replaceAll('\n', ' '), /this server’s ulimit -n of 256, 256 of them/)
    const own = descriptorLimitOf(process.pid)
    assert.ok(own === null || own > 0)
    assert.equal(descriptorLimitOf(undefined), null)
  })

  test('shows what was found, and looks that disagree as a span', () => {
    const end = { observed: 'fin' }
    const text = summary(
      told({
        findings: [
          found('idle-after-response', { ...end, observedMs: 5_001 }, { ...end, observedMs: 5_040 }),
          found('partial-head', { ...end, observedMs: 8_000 }, { ...end, observedMs: 12_000 }),
          found('body-stall'),
        ],
      }),
      100,
    )
    assert.match(text, /^ {2}idle +5\.00 s +fin$/m)
    assert.match(text, /^ {2}head +8\.00 s – 12\.00 s +fin$/m)
    assert.match(text, /^ {2}body +\? +not measured$/m)
  })

  test('groups what was not judged by its reason, and tells failures from mere observations', () => {
    const some = [
      judged('plain-get', { verdict: 'fail', reason: 'the response is 500, wanted 200' }),
      judged('keep-alive-hint', { verdict: 'observed', reason: 'the header is missing' }, 'observe'),
      judged('quiet-stream', { verdict: 'not-judged', reason: 'it needs a page: --stream-path' }),
      judged('idle-after-stream', { verdict: 'not-judged', reason: 'it needs a page: --stream-path' }),
    ]
    const text = summary(told({ judged: some }), 100)
    assert.match(text, /failed:\n {2}plain-get: .*\n {6}the response is 500/)
    assert.match(text, /observed: .*\n {2}keep-alive-hint: /)
    assert.match(text, /--stream-path:\n {6}quiet-stream, idle-after-stream\n/)
  })

  test('many cases that were not judged are a line for each reason, with the flags that would judge most first', () => {
    const because = (count: number, reason: string) =>
      cases.slice(0, count).map(({ id }) => judged(id, { verdict: 'not-judged', reason }))
    const text = summary(
      told({
        judged: [
          ...because(3, 'it needs a page: --slow-path'),
          ...because(20, 'it needs a page: --upload-path'),
          ...because(4, 'it needs a page: --paths ws=…'),
          ...because(1, 'only over IPv4'),
        ],
      }),
      100,
    )
    assert.match(
      text,
      /not judged, 28 cases \(--json lists each\):\n {3}27 {2}it needs a page: --upload-path \(20\), --paths ws=… \(4\), --slow-path \(3\)\n {4}1 {2}only over IPv4\n/,
    )
  })

  test('a leak comes with what to do about it', () => {
    const text = summary(told({ findings: [found('idle-after-response', open)] }), 200)
    assert.match(
      text.replaceAll('\n', ' '),
      /A longer --limit shows what ends later\. In front of the server, hangup gateway --to http:\/\/127\.0\.0\.1:1 closes such clients\./,
    )
  })

  test('a server can not write to the terminal of who asks it', () => {
    const some = [judged('plain-get', { verdict: 'fail', reason: 'the body is \x1b[2Jhi' })]
    const text = summary(told({ server: 'a\x1b]0;b\x07', judged: some }), 100)
    assert.ok(!text.includes('\x1b') && !text.includes('\x07'), text)
  })

  test('fits its terminal', () => {
    const text = summary(told({ findings: [found('head-trickle', open)], judged: [judged('head-trickle', open)] }), 60)
    for (const line of text.split('\n')) assert.ok(line.length <= 60, line)
  })
})
