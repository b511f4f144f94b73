/**
 * The suite on `deno serve`, of one thread and of two: what makes a difference there, over TCP, for
 * it has no TLS.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { ProfileName } from '../../src/probe/case.ts'
import { cases } from '../../src/probe/cases/index.ts'
import { isRed } from '../../src/probe/judge/verdict.ts'
import type { Cell } from '../../src/probe/reports/report.ts'
import { deviations } from '../conformance/deviations.ts'
import { type Runtime, runtimes } from '../conformance/runtimes.ts'
import { startServer } from '../conformance/server.ts'
import { casesOf, runSubject, type Subject } from '../conformance/suite.ts'

const longestRunMs = 120_000
/** How it ends is the command's affair, too; all else is `deno run`'s where there is one thread. */
const ends: readonly ProfileName[] = ['drain', 'drain-cut', 'drain-announce']
const profiles: Readonly<Record<number, readonly ProfileName[]>> = {
  1: ends,
  // Which thread hears of a signal first, and is not ready any more, is nobody's to say.
  2: ['timed', 'dripping', 'stream', 'routed', 'counted', 'drain', 'drain-cut'],
}

function served(threads: number): Runtime {
  const parallel = threads > 1 ? ['--parallel'] : []
  return {
    ...runtimes.deno,
    command: ['env', `DENO_JOBS=${threads}`, 'deno', 'serve', '-A', ...parallel, '--host', '127.0.0.1'],
    listen: (port) => ['--port', String(port), 'runtimes/deno.ts', '--report', 'json'],
    // Each thread counts for itself.
    withoutPaths: threads > 1 ? ['count'] : [],
  }
}

for (const threads of [1, 2]) {
  const runtime = served(threads)
  const subject: Subject = {
    name: `deno serve, ${threads} thread(s)`,
    profiles: profiles[threads]!,
    deviations: deviations.deno,
    start: (profile, transport) => startServer(runtime, profile, transport),
  }
  const asked = cases.filter(({ level }) => level !== 'observe')
  describe(subject.name, () => {
    let cells: readonly Cell[] = []
    before(
      async () => {
        cells = await runSubject(asked, subject, ['tcp'])
      },
      { timeout: longestRunMs },
    )
    for (const { id, title } of casesOf(asked, subject, 'tcp')) {
      test(`${id}: ${title}`, (t) => {
        const cell = cells.find((candidate) => candidate.case === id)
        assert.ok(cell, 'the case did not run')
        if (cell.verdict === 'not-judged') return t.skip(cell.reason ?? '')
        if (isRed(cell.verdict)) assert.fail(`${cell.verdict}: ${cell.reason}`)
      })
    }
  })
}
