/** What metrics cost: our `serve` as it comes, and the same with `/metrics` read every 15 s by the process itself. */
import { compare, markdown, requireTools, row } from './compare.ts'
import { asItComes, runtimes, scraped } from './contenders.ts'

await requireTools()
const rows: string[][] = []
for (const runtime of runtimes) {
  const results = await compare([asItComes(runtime), scraped(runtime)], { path: '/', connections: 64 })
  for (const result of results) rows.push(row(result, runtime))
}
console.log(markdown(rows))
