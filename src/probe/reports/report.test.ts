import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemOf, questions } from '../find/discover.ts'
import { toJson } from './json.ts'
import { cellOf, limitOf, merged, type Report, readReport, serverNamed } from './report.ts'
import { cellWith, idleCell, sampleReport } from './sample.ts'

const report = sampleReport([idleCell(), cellWith({ server: 'b', verdict: 'fail', reason: 'no' })])

test('what is written is read back', () => {
  assert.deepEqual(readReport(toJson(report), 'a.json'), JSON.parse(JSON.stringify(report)))
  assert.equal(report.counts.pass, 1)
  assert.equal(report.counts.fail, 1)
  assert.equal(report.cases[0]?.chapter, 'Idle connections')
})

test('a field that is not known yet is no mistake', () => {
  const newer = { ...report, colour: 'blue', cells: report.cells.map((cell) => ({ ...cell, mood: 'good' })) }
  assert.deepEqual(readReport(JSON.stringify(newer), 'a.json').cells.length, 2)
})

const refusals: readonly { readonly what: string; readonly text: string; readonly message: RegExp }[] = [
  {
    what: 'no JSON',
    text: 'hello',
    message: /^a\.json: not valid JSON; accepted: a report of version 3, as hangup probe/,
  },
  { what: 'null', text: 'null', message: /^a\.json: not a report/ },
  { what: 'another document', text: '{"name": "hangup", "version": "1.0.0"}', message: /^a\.json: not a report/ },
  {
    what: 'the old version',
    text: JSON.stringify({ ...report, version: 1 }),
    message: /^a\.json: it is a report of version 1: probe again with this hangup/,
  },
  {
    what: 'a newer version',
    text: JSON.stringify({ ...report, version: 4 }),
    message: /^a\.json: it is a report of version 4: a newer hangup reads it/,
  },
  {
    what: 'a word that is none',
    text: JSON.stringify({ ...report, cells: [{ ...report.cells[0], verdict: 'splendid' }] }),
    message: /^a\.json: not a whole report: cells\.0\.verdict: .*splendid/,
  },
  {
    what: 'a cell of a case that is not told',
    text: JSON.stringify({ ...report, cases: report.cases.slice(0, 1) }),
    message: /^a\.json: not a whole report: nothing is said of plain-get/,
  },
]
for (const { what, text, message } of refusals) {
  test(`${what} is refused with the file's name and the fix`, () => {
    assert.throws(() => readReport(text, 'a.json'), { code: 'CONFIG_INVALID', message })
  })
}

test('a run becomes a cell with its window, in hundredths of a millisecond', () => {
  const { case: id, ...rest } = idleCell()
  const expected = { from: 'received', fromMs: 1.23456, earliestMs: null, latestMs: 9.87654, lagMs: 0, by: [] } as const
  const cell = cellOf(
    { ...rest, id, observedMs: 2_030.123456, expected, timelines: [] },
    { server: 'a', transport: 'tls', level: 'observe' },
  )
  assert.equal(cell.observedMs, 2_030.12)
  assert.deepEqual(cell.expected, { ...expected, fromMs: 1.23, latestMs: 9.88 })
  assert.deepEqual([cell.case, cell.level, cell.transport], ['idle-after-response', 'observe', 'tls'])
})

test('a leak is told with what it costs, what is found is not', () => {
  const [question] = questions
  assert.ok(question)
  const base = { question, fromMs: null, toMs: null, end: null, reason: null, watchedMs: null }
  const leak = limitOf({ ...base, kind: 'leak', reason: 'still open after 8s', watchedMs: 8_000 })
  assert.deepEqual([leak.problem, leak.cost], [problemOf(question, 8_000), question.cost])
  assert.equal(limitOf({ ...base, kind: 'found', fromMs: 1, toMs: 2, end: 'fin' }).problem, null)
})

test('reports are joined: servers of the same name get that of their file, cases are those of the newest', () => {
  const older: Report = {
    ...sampleReport([idleCell(), cellWith({ case: 'gone' })]),
    startedAt: '2026-11-01T10:00:00.000Z',
  }
  const newer = sampleReport([idleCell({ verdict: 'fail' }), cellWith({ server: 'b' })])
  const retitled = { ...newer, cases: newer.cases.map((one) => ({ ...one, title: 'as it is told now' })) }
  const joined = merged([
    { file: 'runs/monday.json', report: older },
    { file: 'runs/tuesday.json', report: retitled },
  ])
  assert.deepEqual(
    joined.servers.map(({ name }) => name),
    ['a (monday)', 'a (tuesday)', 'b'],
  )
  assert.deepEqual(
    joined.cells.map(({ case: id, server, verdict }) => `${server} ${id} ${verdict}`),
    [
      'a (monday) idle-after-response pass',
      'a (monday) gone pass',
      'a (tuesday) idle-after-response fail',
      'b plain-get pass',
    ],
  )
  assert.equal(joined.startedAt, older.startedAt)
  assert.equal(joined.cases.find(({ id }) => id === 'idle-after-response')?.title, 'as it is told now')
  assert.deepEqual([joined.counts.pass, joined.counts.fail], [3, 1])
  assert.deepEqual(readReport(toJson(joined), 'joined').servers.length, 3)
})

test('even the same file twice is two servers', () => {
  const joined = merged([
    { file: 'a.json', report },
    { file: 'a.json', report },
  ])
  assert.equal(new Set(joined.servers.map(({ name }) => name)).size, 4)
})

test('a server of which only the name is known has no limits and no warnings', () => {
  const { limits, warnings, version } = serverNamed('x', { startedAt: report.startedAt })
  assert.deepEqual([limits, warnings, version], [[], [], null])
})
