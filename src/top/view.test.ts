import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionView } from '../observe/observer.ts'
import { actOf, keysIn } from './keys.ts'
import type { Look } from './look.ts'
import { type Line, plainText, screenOf, type View } from './view.ts'

const connection = (id: number, of: Partial<ConnectionView>): ConnectionView => ({
  ...{ id, peer: `10.0.0.${id}:50312`, received: id, sent: 10, route: null, state: 'idle', forMs: 1_000 * id },
  ...{ openedAt: 0, requests: 1, dueInMs: 5_000 - id, dueBy: 'idleTimeoutMs', changedLimits: null },
  ...of,
})

const at = Date.UTC(2026, 10, 29, 22, 31, 6)
const look: Look = {
  at,
  summary: {
    ...{ url: 'http://127.0.0.1:3000/', engine: 'hangup', phase: 'serving', opened: 9, open: 3, busy: 1 },
    ...{
      states: { idle: 2, handling: 1 },
      requests: 12,
      changedLimits: 0,
      hungUp: {},
      closeRaces: null,
      abortsOnData: null,
    },
    descriptors: { used: 1_000, limit: 1_024 },
  },
  connections: [
    connection(1, {}),
    connection(2, { state: 'handling', dueInMs: null, dueBy: null, route: 'GET /\x1b]0;owned\x07' }),
    connection(3, { dueInMs: 400 }),
  ],
  ends: [],
}
const view: View = { order: 'longest', state: null, selected: null }
const more = { rate: 2, notice: null, moves: null }

const idsOf = (lines: readonly Line[]): string[] => lines.flatMap(({ text }) => /10\.0\.0\.(\d)/.exec(text)?.[1] ?? [])

test('no line is wider and there are no more lines than the terminal has, however small it is', () => {
  for (const columns of [1, 20, 44, 80, 200]) {
    for (const rows of [1, 2, 5, 9, 24]) {
      const lines = screenOf(look, { ...view, selected: 3 }, { columns, rows }, more)
      assert.equal(lines.length, rows, `${columns} × ${rows}`)
      for (const { text } of lines) assert.ok(text.length <= columns, `${columns} × ${rows}: ${text}`)
    }
  }
})

test('rows are sorted and filtered, and say what is soon, busy and selected', () => {
  const size = { columns: 120, rows: 24 }
  assert.deepEqual(idsOf(screenOf(look, view, size, more)), ['3', '2', '1'])
  assert.deepEqual(idsOf(screenOf(look, { ...view, order: 'due' }, size, more)), ['3', '1', '2'])
  assert.deepEqual(idsOf(screenOf(look, { ...view, state: 'idle' }, size, more)), ['3', '1'])
  const styles = screenOf(look, { ...view, selected: 1 }, size, more).slice(4, 7)
  assert.deepEqual(
    styles.map(({ style }) => style),
    ['soon', 'busy', 'selected'],
  )
  assert.match(styles[2]!.text, /^> 1 /)
})

test('the selected connection is in sight, whatever its place', () => {
  const many = { ...look, connections: Array.from({ length: 9 }, (_, index) => connection(index + 1, {})) }
  for (const selected of [1, 5, 9]) {
    const lines = screenOf(many, { ...view, selected }, { columns: 80, rows: 10 }, more)
    assert.ok(
      lines.some(({ text }) => text.startsWith('>')),
      `${selected}`,
    )
  }
})

test('what a client sends can not steer the terminal', () => {
  assert.doesNotMatch(plainText(look, view, 120), /[\x1b\x07]/)
})

test('keys that come together are told apart, and each does one thing', () => {
  assert.deepEqual(keysIn('js\x1b[A\x1bOBq'), ['j', 's', '\x1b[A', '\x1bOB', 'q'])
  const down = actOf('j', view, look)
  assert.ok(down?.kind === 'view')
  assert.equal(down.view.selected, 3)
  assert.equal(actOf('c', view, look), null, 'nothing is selected')
  assert.deepEqual(actOf('c', down.view, look), { kind: 'close', id: 3 })
  const up = actOf('\x1b[A', view, look)
  assert.ok(up?.kind === 'view')
  assert.equal(up.view.selected, 1)
  assert.equal(actOf('x', view, look), null)
})
