/** A small report for tests: one of each that a form has to tell apart. */
import { type Cell, makeReport, type Report, serverNamed } from './report.ts'

const startedAt = '2026-11-24T10:00:00.000Z'

export const cellWith = (more: Partial<Cell>): Cell => ({
  ...{ case: 'plain-get', server: 'a', transport: 'tcp', level: 'must', verdict: 'pass' },
  ...{ observed: null, observedMs: null, expected: null, reason: null, tookMs: 12, timelines: [] },
  ...more,
})

/** Idle for two seconds, as asked for: FIN in the middle of its window. */
export const idleCell = (more: Partial<Cell> = {}): Cell =>
  cellWith({
    ...{ case: 'idle-after-response', level: 'policy', observed: 'fin', observedMs: 2_030, tookMs: 2_100 },
    expected: { from: 'received', fromMs: 1, earliestMs: 1_950, latestMs: 2_400, lagMs: 20, by: ['idleTimeoutMs'] },
    timelines: [
      {
        events: [
          { atMs: 0, what: 'connected' },
          { atMs: 0.1, what: 'sent', bytes: 41 },
          { atMs: 1, what: 'received', bytes: 168 },
          { atMs: 2_031, what: 'fin' },
        ],
        end: 'fin',
        untilMs: 2_031,
      },
    ],
    ...more,
  })

const caseWith = (id: string, more: Partial<Report['cases'][number]> = {}) =>
  ({ id, level: 'must', title: `What ${id} asks`, why: 'Because.', spec: ['RFC 9112 9.3'], ...more }) as const

export function sampleReport(cells: readonly Cell[], more: Partial<Report> = {}): Report {
  const ids = [...new Set(cells.map((cell) => cell.case))]
  const names = [...new Set(cells.map(({ server }) => server))]
  return {
    ...makeReport({
      startedAt: new Date(startedAt),
      tookMs: 2_345,
      servers: names.map((name) => serverNamed(name, { startedAt })),
      cases: ids.map((id) => caseWith(id)),
      cells,
    }),
    ...more,
  }
}
