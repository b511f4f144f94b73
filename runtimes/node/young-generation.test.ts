import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const source = new URL('./young-generation.ts', import.meta.url)
const clock = new URL('../../src/lifecycle/clock.ts', import.meta.url)

/** Objects that outlive a few collections, until V8 has let the young generation grow or has not. */
const program = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { holdYoungGeneration } from '${source}'
  import { backgroundClock } from '${clock}'
  if (process.argv[1] === 'held') holdYoungGeneration(backgroundClock)
  const kept = Array.from({ length: 8_000 })
  for (let turn = 0; turn < 3_000; turn++) {
    for (let i = 0; i < 2_000; i++) kept[(turn * 2_000 + i) % kept.length] = { turn, i, more: [i, i, i, i, i, i, i, i] }
    if (turn % 2 === 0) await new Promise(setImmediate)
    if (turn % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 60))
  }
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20)
`

const megabytes = async (mode: 'held' | 'free', ...flags: readonly string[]): Promise<number> => {
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', program, mode])
  return Number(stdout)
}

test('the young generation of a gateway stays small, unless its size was chosen', async () => {
  const [held, free, chosen] = await Promise.all([
    megabytes('held'),
    megabytes('free'),
    megabytes('held', '--max-semi-space-size=64'),
  ])
  assert.ok(free > 40, `${free} MB without it: the test shows nothing`)
  assert.ok(held <= 32, `${held} MB`)
  assert.ok(chosen > 40, `${chosen} MB where the size was chosen`)
})
