/** What metrics cost: our `serve` as it comes, and the same with `/metrics` read every 15 s by the process itself. */
import { randomFrom } from '../test/attack/random.ts'
import { compare, row, table } from './compare.ts'
import { asItComes, runtimes, scraped } from './contenders.ts'
import { seedOf } from './flags.ts'
import { requireTools } from './wrk.ts'

await requireTools()
const options = { rounds: 7, seconds: 2, random: randomFrom(seedOf(undefined)) }
const rows: string[][] = []
for (const runtime of runtimes) {
  const results = await compare([asItComes(runtime), scraped(runtime)], { path: '/', connections: 64 }, options)
  for (const result of results) rows.push(row(result, runtime))
}
console.log(table(rows))
