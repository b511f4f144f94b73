/** What the connection policy costs: our `serve` as it comes against the bare runtime with the same Hono app. `npm run bench:overhead` */
import { compare, markdown, requireTools, row } from './compare.ts'
import { asItComes, contenders, runtimes } from './contenders.ts'

await requireTools()
const rows: string[][] = []
for (const runtime of runtimes) {
  const [bare] = contenders[runtime]
  for (const path of ['/', '/async']) {
    const results = await compare([bare!, asItComes(runtime)], { path, connections: 64 })
    for (const result of results) rows.push(row(result, path))
  }
}
console.log(markdown(rows))
