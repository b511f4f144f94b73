import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { cases } from '../cases/index.ts'
import type { CaseRun } from '../run.ts'
import { lines, redrawn } from './progress.ts'

const theCase = (id: string): Case => cases.find((one) => one.id === id)!
const run = (id: string, more: Partial<CaseRun> = {}): CaseRun => ({
  ...{
    id,
    verdict: 'pass',
    observed: 'fin',
    observedMs: 5_012,
    expected: null,
    reason: null,
    tookMs: 1,
    timelines: [],
  },
  ...more,
})

test('off a terminal each case that was judged is a line', () => {
  let text = ''
  const progress = lines((more) => {
    text += more
  })
  progress.watch(theCase('idle-after-response'), 'running')
  progress.watch(theCase('idle-after-response'), run('idle-after-response'))
  progress.watch(theCase('plain-get'), run('plain-get', { verdict: 'fail', observed: null, observedMs: null }))
  progress.watch(theCase('whoami'), run('whoami', { verdict: 'not-judged' }))
  progress.end()
  assert.equal(text, '✓ idle-after-response fin 5.01 s\n✗ plain-get\n')
})

describe('on a terminal', () => {
  /** What a terminal shows after these bytes: only `ESC[nA` and `ESC[J` are used. */
  function shown(bytes: string): string[] {
    let screen: string[] = ['']
    for (const part of bytes.split(/(\x1b\[\d+A\x1b\[J)/)) {
      const up = part.startsWith('\x1b') ? Number(part.slice(2, part.indexOf('A'))) : null
      if (up !== null) screen = [...screen.slice(0, screen.length - 1 - up), '']
      else {
        const [first = '', ...rest] = part.split('\n')
        screen[screen.length - 1] += first
        screen.push(...rest)
      }
    }
    return screen
  }

  test('the states of the cases are redrawn in place, and gone at the end', async () => {
    const written: string[] = []
    const now = () => shown(written.join(''))
    const progress = redrawn({ columns: 60, rows: 24, write: (text) => void written.push(text) }, 5)
    progress.watch(theCase('plain-get'), 'running')
    progress.watch(theCase('idle-after-response'), 'running')
    await sleep(250)
    assert.match(now()[0] ?? '', /^0 s {2}0 of 5 done, 2 running$/)
    assert.match(now().join('\n'), /^ {2}idle-after-response {2}0\.\d s$/m)
    progress.watch(theCase('plain-get'), run('plain-get', { verdict: 'fail' }))
    await sleep(250)
    assert.match(now()[0] ?? '', /1 of 5 done, 1 running, 1 failed$/)
    assert.equal(now()[1], '✗')
    assert.doesNotMatch(now().join('\n'), /plain-get/)
    progress.end()
    assert.deepEqual(now(), [''])
  })

  test('more than fits is counted', async () => {
    const written: string[] = []
    const progress = redrawn({ columns: 30, rows: 6, write: (text) => void written.push(text) }, 127)
    for (const one of cases.slice(0, 20)) progress.watch(one, 'running')
    await sleep(150)
    const screen = shown(written.join(''))
    assert.ok(screen.length <= 7, screen.join('\n'))
    assert.match(screen.join('\n'), /and \d+ more/)
    for (const line of screen) assert.ok(line.length < 30)
    progress.end()
  })
})
