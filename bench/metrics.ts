/**
 * What metrics cost: our `serve` as it comes, and the same with `/metrics` read every 15 s by the
 * process itself.
 */
import { randomFrom } from '../test/attack/random.ts'
import { compare } from './compare.ts'
import { asItComes, runtimes, scraped } from './contenders.ts'
import { seedOf } from './flags.ts'
import { stampLine, stampOf } from './machine.ts'
import { type Compared, comparedTable } from './report/engines.ts'
import { requireTools } from './wrk.ts'

await requireTools()
const options = { rounds: 4, seconds: 2, random: randomFrom(seedOf(undefined)) }
const stamp = stampOf([...runtimes, 'wrk'])
const runs: Compared[] = []
for (const runtime of runtimes) {
  runs.push({
    stamp,
    title: runtime,
    results: await compare([asItComes(runtime), scraped(runtime)], { path: '/', connections: 64 }, options),
  })
}
console.log(`${stampLine(stamp)}\n\n${comparedTable(runs)}`)
