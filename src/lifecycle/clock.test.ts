import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const rooms = ['../lifecycle/', '../http1/', '../kernel/'].map((room) => new URL(room, import.meta.url))
const clocks = /\b(setTimeout|setInterval|setImmediate|performance\.now|Date\.now|Math\.random|new Date\(\))/

test('time and chance are arguments in these rooms: nothing but clock.ts reads a clock or sets a timer', () => {
  for (const room of rooms) {
    for (const name of readdirSync(room, { encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts') || name === 'clock.ts') continue
      const [found] = readFileSync(new URL(name, room), 'utf8').match(clocks) ?? []
      assert.equal(found, undefined, `${room.pathname}${name}`)
    }
  }
})
