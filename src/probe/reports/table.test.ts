import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cases } from '../cases/index.ts'
import type { Cell } from './report.ts'
import { table } from './table.ts'

const cell = (more: Partial<Cell>): Cell => ({
  ...{ case: 'plain-get', server: 'node', transport: 'tcp', level: 'must', verdict: 'pass' },
  ...{ observed: null, observedMs: null, expected: null, reason: null, tookMs: 1, timelines: [] },
  ...more,
})

test('the table has a row for each case, a column for each server, and both transports where they differ', () => {
  const text = table(
    cases,
    ['node', 'bun'],
    [
      cell({}),
      cell({ transport: 'tls' }),
      cell({ case: 'idle-after-response', observed: 'fin', observedMs: 2_030 }),
      cell({ case: 'idle-after-response', transport: 'tls', observed: 'fin', observedMs: 2_110 }),
      cell({ case: 'pipelining', server: 'bun', verdict: 'deviation', observed: 'fin', reason: 'known (bun#1)' }),
      cell({ case: 'half-close', verdict: 'fail', observed: 'reset', reason: 'reset at 3 ms' }),
    ],
  )
  assert.match(text, /^plain-get +should +✓ +·$/m)
  assert.match(text, /^idle-after-response +policy +✓ fin 2\.03 \/ 2\.11 s/m)
  assert.match(text, /^pipelining +must +· +≠ fin$/m)
  assert.match(text, /red:\n {2}node: reset at 3 ms\n {4}half-close \(tcp\)/)
  assert.match(text, /known deviations:\n {2}bun: known \(bun#1\)/)
  assert.match(text, /4 pass, 1 deviation, 1 fail$/)
})

test('an end that differs between the transports is shown for both', () => {
  const text = table(
    cases,
    ['node'],
    [
      cell({ verdict: 'pass', observed: 'fin', observedMs: 2_000 }),
      cell({ transport: 'tls', verdict: 'fail', observed: 'open', observedMs: 3_000, reason: 'still open' }),
    ],
  )
  assert.match(text, /✓ fin 2\.00 s \/ ✗ FAIL open 3\.00 s/)
})

test('what is only observed is no failure, and servers that do not fit go below', () => {
  const observed = cell({
    level: 'observe',
    verdict: 'observed',
    observed: 'open',
    observedMs: 75_000,
    reason: 'still open',
  })
  const text = table(cases, ['node', 'bun'], [observed, cell({ server: 'bun' })], 36)
  assert.match(text, /^case +level +node\n.*\nplain-get +should +○ open 75\.00 s\n\ncase +level +bun\n/)
  assert.doesNotMatch(text, /red:/)
})

test('what a server says does not steer the terminal', () => {
  const text = table(cases, ['node'], [cell({ verdict: 'fail', reason: '\x1b[2J\x9b1m\rgone' })])
  assert.match(text, /node: ␛\[2J\ufffd1m␍gone/)
})
