import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLine, ThrottledLog } from './log.ts'

test('a code is logged at most once a second, and what was held back is counted', () => {
  const lines: LogLine[] = []
  let now = 0
  const log = new ThrottledLog(
    (line) => lines.push(line),
    () => now,
  )
  const write = (code: string) => log.write({ level: 'warn', code, message: code })
  for (let i = 0; i < 5; i++) write('a')
  write('b')
  assert.deepEqual(
    lines.map(({ code, count }) => [code, count]),
    [
      ['a', 1],
      ['b', 1],
    ],
  )
  now = 1_000
  write('a')
  assert.equal(lines[2]?.count, 5)
  write('a')
  log.flush()
  assert.equal(lines[3]?.count, 1)
  log.flush()
  assert.equal(lines.length, 4)
})
