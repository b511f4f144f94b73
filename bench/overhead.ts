/** What the connection policy costs: our `serve` against the bare runtime with the same Hono app. `npm run bench:overhead` */
import { columns, compare, requireTools, row } from './pair.ts'

const bin = (name: string) => `node_modules/.bin/${name}`
const servers = 'bench/servers'
const node = [process.execPath]
const bun = [bin('bun'), 'run']
const deno = [bin('deno'), 'run', '-A']

const pairs = [
  [node, 'hangup on Node', 'bare-node-http.ts', '@hono/node-server'],
  [bun, 'hangup on Bun', 'bare-bun.ts', 'Bun.serve'],
  [deno, 'hangup on Deno', 'bare-node-http.ts', '@hono/node-server on Deno'],
  [deno, 'hangup on Deno', 'bare-deno.ts', 'Deno.serve'],
] as const

await requireTools()
const only = process.argv[2]
const rows: string[][] = []
for (const [runtime, name, file, against] of pairs) {
  if (only !== undefined && !name.toLowerCase().includes(only)) continue
  for (const path of ['/', '/async']) {
    const ours = { name, command: [...runtime, `${servers}/ours.ts`] }
    const theirs = { name: against, command: [...runtime, `${servers}/${file}`] }
    const compared = row(await compare(ours, theirs, { path }))
    rows.push(compared)
    console.error(compared.join('  '))
  }
}
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
console.log([line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n'))
