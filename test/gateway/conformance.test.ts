/**
 * The suite through a gateway in front of gevent.pywsgi: what that leaks alone, its clients do not
 * see any more.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { cases } from '../../src/probe/cases/index.ts'
import { isRed } from '../../src/probe/judge/verdict.ts'
import type { Cell } from '../../src/probe/reports/report.ts'
import type { Transport } from '../conformance/runtimes.ts'
import { casesOf, runSubject } from '../conformance/suite.ts'
import { type RuntimeName, runtimeNames } from '../lib/runtimes.ts'
import { geventAlone, throughGateway } from './conformance.ts'
import { withoutGevent } from './python.ts'

const longestRunMs = 240_000

/**
 * TLS is the listener's, and each runtime's own: the suite over it is in `test/conformance`. Here
 * one shows that it is the same, but for the heavy cases.
 */
const transports: Readonly<Record<RuntimeName, readonly Transport[]>> = {
  node: ['tcp', 'tls'],
  bun: ['tcp'],
  deno: ['tcp'],
}

const light = cases.filter(({ heavy }) => !heavy)
const heavy = cases.filter(({ heavy }) => heavy)

describe('through a gateway', { skip: withoutGevent }, () => {
  const subjects = runtimeNames.map((name) => ({ ...throughGateway(name), over: transports[name] }))
  const cells: Cell[] = []
  before(
    async () => {
      // As many servers at once as one runtime has in test/conformance: two transports of one, or one of two.
      const both = subjects.filter(({ over }) => over.length > 1)
      const single = subjects.filter(({ over }) => over.length === 1)
      for (const subject of both) cells.push(...(await runSubject(light, subject, subject.over)))
      cells.push(...(await Promise.all(single.map((subject) => runSubject(light, subject, subject.over)))).flat())
      // They mostly wait.
      cells.push(...(await Promise.all(subjects.map((subject) => runSubject(heavy, subject, ['tcp'])))).flat())
    },
    { timeout: longestRunMs },
  )
  for (const subject of subjects) {
    for (const transport of subject.over) {
      for (const { id, title } of casesOf(transport === 'tcp' ? cases : light, subject, transport)) {
        test(`${subject.name} ${transport} ${id}: ${title}`, (t) => {
          const cell = cells.find(
            (one) => one.server === subject.name && one.case === id && one.transport === transport,
          )
          assert.ok(cell, 'the case did not run')
          if (cell.verdict === 'not-judged') return t.skip(cell.reason ?? '')
          if (cell.verdict === 'deviation') t.diagnostic(`known deviation: ${cell.reason}`)
          if (isRed(cell.verdict)) assert.fail(`${cell.verdict}: ${cell.reason}`)
        })
      }
    }
  }
})

/** What a client of gevent.pywsgi can keep for ever, each a socket and a descriptor. */
const leaks = [
  'silent-connect',
  'idle-after-response',
  'idle-after-slow-handler',
  'idle-after-stream',
  'idle-after-post',
  'partial-request-line',
  'partial-head',
  'head-trickle',
  'partial-second-head',
  'body-stall',
  'body-trickle',
  'reader-stalls',
]

describe('gevent.pywsgi alone', { skip: withoutGevent }, () => {
  let cells: readonly Cell[] = []
  before(
    async () => {
      cells = await runSubject(
        cases.filter(({ id }) => id === 'plain-get' || leaks.includes(id)),
        geventAlone,
        ['tcp'],
      )
    },
    { timeout: longestRunMs },
  )
  const verdictOf = (id: string) => cells.find((cell) => cell.case === id)?.verdict

  test('it answers', () => assert.equal(verdictOf('plain-get'), 'pass'))
  for (const id of leaks) test(`${id} fails`, () => assert.equal(verdictOf(id), 'fail'))
})
