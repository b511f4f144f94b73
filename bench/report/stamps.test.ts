import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stampLines } from './stamps.ts'

test('what was measured on one day and machine has one line with all versions', () => {
  const on = (date: string, versions: Record<string, string>) => ({ date, machine: 'two cores', versions })
  assert.equal(
    stampLines([
      on('2026-11-30', { node: '24.1' }),
      on('2026-12-01', { bun: '1.4' }),
      on('2026-11-30', { wrk: '4.1' }),
    ]),
    '2026-11-30 · two cores · node 24.1 · wrk 4.1<br>\n2026-12-01 · two cores · bun 1.4',
  )
})
