/**
 * What the connection policy costs: our `serve` as it comes against the bare runtime with the same
 * Hono app. `npm run bench:overhead`
 */
import { randomFrom } from '../test/attack/random.ts'
import { compare } from './compare.ts'
import { asItComes, contenders, runtimes } from './contenders.ts'
import { seedOf } from './flags.ts'
import { stampLine, stampOf } from './machine.ts'
import { type Compared, comparedTable } from './report/engines.ts'
import { requireTools } from './wrk.ts'

await requireTools()
const options = { rounds: 4, seconds: 2, random: randomFrom(seedOf(undefined)) }
const stamp = stampOf([...runtimes, 'wrk'])
const runs: Compared[] = []
for (const runtime of runtimes) {
  const [bare] = contenders[runtime]
  for (const path of ['/', '/async']) {
    runs.push({
      stamp,
      title: path,
      results: await compare([bare!, asItComes(runtime)], { path, connections: 64 }, options),
    })
  }
}
console.log(`${stampLine(stamp)}\n\n${comparedTable(runs)}`)
