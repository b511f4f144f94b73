/**
 * Everything that docs/speed.md says, measured again, and the page made of it: `npm run bench`,
 * about two hours on a machine that does nothing else. `-- --part engines,gateway` for some of it,
 * `--soak` for half an hour of mixed traffic as well, `--quick` for a look that changes no page.
 */
import { spawnSync } from 'node:child_process'
import { chosen, flagsOf, refuse } from './flags.ts'

/** What `--quick` leaves out. */
const quickly = {
  engines: ['--load', 'hello,api,post', '--rounds', '2', '--processes', '1', '--seconds', '1'],
  gateway: ['--load', 'small,post', '--rounds', '2', '--processes', '1', '--seconds', '1'],
  weight: ['--rounds', '3', '--requests', '20000,100000'],
  scale: ['--count', '0,1000,5000', '--in-memory', '10000', '--quick'],
  ledger: ['--count', '0,1000'],
  workers: ['--rounds', '1', '--seconds', '1'],
  soak: ['--minutes', '2'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** What a whole run gives beside `--keep`, so that it takes no longer than that. */
const shortened: Readonly<Record<string, readonly string[]>> = { ledger: ['--count', '0,10000'] }

const parts = Object.keys(quickly) as (keyof typeof quickly)[]
const values = flagsOf({
  part: { type: 'string', default: parts.filter((part) => part !== 'soak').join() },
  soak: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
})
const wanted = new Set([...chosen('part', values.part, parts), ...(values.soak ? (['soak'] as const) : [])])

const run = (...args: readonly string[]): boolean =>
  spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0

const failed: string[] = []
for (const part of wanted) {
  const began = performance.now()
  console.log(`\n## ${part}\n`)
  if (!run(`bench/${part}.ts`, ...(values.quick ? quickly[part] : ['--keep', ...(shortened[part] ?? [])])))
    failed.push(part)
  console.log(`\n${part} took ${((performance.now() - began) / 60_000).toFixed(1)} minutes`)
}
if (!values.quick && !run('scripts/docs.ts')) failed.push('scripts/docs.ts')
if (failed.length > 0) refuse(`failed: ${failed.join(', ')}`)
