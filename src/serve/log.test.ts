import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogCode } from '../policy/codes.ts'
import { BurstLog, type LogLine, ThrottledLog } from './log.ts'

test('a code is logged at most once a second, and what was held back is counted', () => {
  const lines: LogLine[] = []
  let now = 0
  const log = new ThrottledLog(
    (line) => lines.push(line),
    () => now,
  )
  const write = (code: LogCode) => log.write({ level: 'warn', code, message: code })
  for (let i = 0; i < 5; i++) write('DRAIN_CUT')
  write('RELOADED')
  assert.deepEqual(
    lines.map(({ code, count }) => [code, count]),
    [
      ['DRAIN_CUT', 1],
      ['RELOADED', 1],
    ],
  )
  now = 1_000
  write('DRAIN_CUT')
  assert.equal(lines[2]?.count, 5)
  write('DRAIN_CUT')
  log.flush()
  assert.equal(lines[3]?.count, 1)
  log.flush()
  assert.equal(lines.length, 4)
})

test('lines that say different things come at once, so many a second, and the rest is counted', () => {
  const lines: LogLine[] = []
  let now = 0
  const log = new BurstLog(
    (line) => lines.push(line),
    () => now,
  )
  const write = (message: string) => log.write({ level: 'error', code: 'ENGINE_ERROR', message })
  for (let i = 0; i < 50; i++) write(`error ${i}`)
  assert.deepEqual(lines.map(({ message }) => message).slice(-2), ['error 18', 'error 19'])
  now = 1_000
  write('later')
  assert.deepEqual(
    lines.slice(20).map(({ code, count }) => [code, count]),
    [
      ['LINES_LEFT_OUT', 30],
      ['ENGINE_ERROR', 1],
    ],
  )
  log.flush()
  assert.equal(lines.length, 22)
})
