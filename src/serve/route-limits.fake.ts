/** For tests: what routes of this process ask for is the test's own, until it is over. */
import type { TestContext } from 'node:test'
import { shared } from './route-limits.ts'

export function withoutOtherRoutes(t: TestContext): void {
  const asked = [...shared.asked]
  const holders = [...shared.holders]
  shared.asked.clear()
  shared.holders.clear()
  t.after(() => {
    shared.asked.clear()
    shared.holders.clear()
    for (const [option, each] of asked) shared.asked.set(option, each)
    for (const holder of holders) shared.holders.add(holder)
  })
}
