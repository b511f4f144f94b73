/** What the connection policy costs: our `serve` as it comes against the bare runtime with the same Hono app. `npm run bench:overhead` */
import { randomFrom } from '../test/attack/random.ts'
import { compare, row, table } from './compare.ts'
import { asItComes, contenders, runtimes } from './contenders.ts'
import { seedOf } from './flags.ts'
import { requireTools } from './wrk.ts'

await requireTools()
const options = { rounds: 7, seconds: 2, random: randomFrom(seedOf(undefined)) }
const rows: string[][] = []
for (const runtime of runtimes) {
  const [bare] = contenders[runtime]
  for (const path of ['/', '/async']) {
    const results = await compare([bare!, asItComes(runtime)], { path, connections: 64 }, options)
    for (const result of results) rows.push(row(result, path))
  }
}
console.log(table(rows))
