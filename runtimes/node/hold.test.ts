import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdAccept } from './hold.ts'

test('newcomers without end hold the loop no more than half of the time, once what was saved is used', () => {
  let at = 1_000_000
  let heldMs = 0
  const come = (forMs: number) => {
    const end = at + forMs
    heldMs = 0
    while (at < end) {
      holdAccept(
        () => at,
        (ms) => {
          at += ms
          heldMs += ms
        },
      )
      at += 0.1
    }
    return heldMs / forMs
  }
  assert.ok(come(1_000) > 0.9, 'a burst is held all the time')
  come(10_000)
  const share = come(10_000)
  assert.ok(share > 0.45 && share < 0.51, `${share}`)
})
