/**
 * JUnit's XML, as CI systems read it: a suite for each server and transport, a test for each case.
 */

import { type Counts, countVerdicts, type Verdict } from '../judge/verdict.ts'
import { groupedBy } from './grouped.ts'
import { html, type Markup } from './markup.ts'
import type { Cell, Report, ReportCase } from './report.ts'

export function toJUnit(report: Report): string {
  const groups = [...groupedBy(report.cells, ({ server, transport }) => `${server} ${transport}`)]
  return `<?xml version="1.0" encoding="UTF-8"?>\n${
    html`<testsuites name="hangup"${tally(report.counts)} time="${seconds(report.tookMs)}">${groups.map(([name, cells]) => suite(name, cells, report))}
</testsuites>`.text
  }\n`
}

function suite(name: string, cells: readonly Cell[], { cases, servers, startedAt }: Report): Markup {
  const server = servers.find((one) => one.name === cells[0]?.server)
  const began = (server?.startedAt ?? startedAt).replace(/\.\d+Z$/, 'Z')
  const slowestMs = Math.max(...cells.map(({ tookMs }) => tookMs))
  return html`
 <testsuite name="${name}"${tally(countVerdicts(cells))} time="${seconds(slowestMs)}" timestamp="${began}">${
   server?.version && html`\n  <properties><property name="version" value="${server.version}"/></properties>`
 }${cells.map((cell) =>
   testCase(
     cell,
     name,
     cases.find(({ id }) => id === cell.case),
   ),
 )}
 </testsuite>`
}

function testCase(cell: Cell, suiteName: string, theCase: ReportCase | undefined): Markup {
  const { verdict, reason, tookMs } = cell
  const kind = kinds[verdict]
  const lines = reason?.split('\n') ?? []
  const message = lines[0] ?? verdict
  const more = [...lines, ...(theCase ? ['', theCase.why, ...theCase.spec] : [])].join('\n')
  const inner =
    kind === 'skipped'
      ? html`<skipped message="${message}"/>`
      : kind === 'failure'
        ? html`<failure type="${verdict}" message="${message}">${more}</failure>`
        : kind === 'error'
          ? html`<error type="${verdict}" message="${message}">${more}</error>`
          : reason !== null && html`<system-out>${verdict}: ${reason}</system-out>`
  const name = theCase ? `${cell.case}: ${theCase.title}` : cell.case
  return html`
  <testcase classname="${suiteName.replace(/[ .]/g, '-')}.${theCase?.chapter ?? 'cases'}" name="${name}" time="${seconds(tookMs)}">${inner}</testcase>`
}

type Kind = 'passed' | 'skipped' | 'failure' | 'error'

/** A failure is the server's; an error says that the question was not put to it. */
const kinds: Readonly<Record<Verdict, Kind>> = {
  pass: 'passed',
  deviation: 'passed',
  observed: 'passed',
  'not-judged': 'skipped',
  fail: 'failure',
  'unexpected-pass': 'failure',
  'setup-failed': 'error',
  'harness-failed': 'error',
}

function tally(counts: Counts): Markup {
  const of = (...some: Kind[]) =>
    Object.entries(kinds).reduce(
      (sum, [verdict, kind]) => sum + (some.includes(kind) ? counts[verdict as Verdict] : 0),
      0,
    )
  return html` tests="${of('passed', 'skipped', 'failure', 'error')}" failures="${of('failure')}" errors="${of('error')}" skipped="${of('skipped')}"`
}

const seconds = (ms: number) => (ms / 1_000).toFixed(3)
