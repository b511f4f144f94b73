/**
 * The rooms of `src/` and the arrows between them, checked: `node scripts/rooms.ts`. An import goes
 * down the list of rooms; one that goes back up has its reason here and in ARCHITECTURE.md. No
 * imports of files go round in a circle, but those of types, which are gone when a program runs.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * From the bottom. The files beside them are the top; `deferred.ts` and `version.ts` import nothing
 * of ours.
 */
const rooms = [
  'policy',
  'lifecycle',
  'kernel',
  'net',
  'tls',
  'http1',
  'streams',
  'observe',
  'log',
  'serve',
  'native',
  'command',
  'admin',
  'cluster',
  'gateway',
  'probe',
  'rescue',
  'why',
  'top',
]

/** `type`: nothing of it is left when the program runs. */
const upward: Readonly<Record<string, 'type' | 'value'>> = {
  'policy → lifecycle': 'type',
  'policy → serve': 'type',
  'log → serve': 'type',
  'observe → serve': 'value',
  'serve → admin': 'value',
  'admin → gateway': 'type',
  'cluster → gateway': 'type',
  'command → admin': 'value',
  'command → cluster': 'value',
  'command → gateway': 'value',
  'command → probe': 'value',
  'command → rescue': 'value',
  'command → why': 'value',
  'command → top': 'value',
}

interface Import {
  readonly from: string
  readonly to: string
  readonly isType: boolean
}

const root = new URL('../', import.meta.url)
const statement = /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\s*from\s+)?'(\.[^']+)'/gm

const onlyTypes = (names: string): boolean => /^\{(\s*type\s[^,{}]+,?)*\s*\}$/.test(names)

function importsOf(file: string): Import[] {
  return [...readFileSync(new URL(file, root), 'utf8').matchAll(statement)].map(
    ([, type, names = '', target = '']) => ({
      from: file,
      to: fileURLToPath(new URL(target, new URL(file, root))).slice(fileURLToPath(root).length),
      isType: type !== undefined || onlyTypes(names),
    }),
  )
}

const all = globSync(['src/**/*.ts', 'runtimes/**/*.ts'], { cwd: root })
  .filter((file) => !/\.(test|fake|recording)\.ts$/.test(file))
  .sort()
  .flatMap(importsOf)

/** -1: a file beside the rooms. */
const floorOf = (file: string): number => rooms.indexOf(/^src\/([^/]+)\//.exec(file)?.[1] ?? '')

function arrowProblems(): string[] {
  const page = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8')
  const unused = new Set(Object.keys(upward))
  const problems: string[] = []
  for (const { from, to, isType } of all) {
    if (floorOf(from) < 0 || floorOf(to) <= floorOf(from)) continue
    const arrow = `${rooms[floorOf(from)]} → ${rooms[floorOf(to)]}`
    const allowed = upward[arrow]
    unused.delete(arrow)
    if (allowed === undefined || (allowed === 'type' && !isType))
      problems.push(`${from}: imports ${to}, ${arrow} is up`)
  }
  for (const arrow of unused) problems.push(`scripts/rooms.ts: nothing imports ${arrow}`)
  for (const arrow of Object.keys(upward)) {
    if (!page.includes(`\`${arrow}\``)) problems.push(`ARCHITECTURE.md: the reason of ${arrow} is missing`)
  }
  return problems
}

function circles(): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to, isType } of all) if (!isType) next.set(from, [...(next.get(from) ?? []), to])
  const done = new Set<string>()
  const found: string[] = []
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) found.push(`a circle of imports: ${[...path.slice(at), file].join(' → ')}`)
    if (at >= 0 || done.has(file)) return
    for (const to of next.get(file) ?? []) walk(to, [...path, file])
    done.add(file)
  }
  for (const file of next.keys()) walk(file, [])
  return found
}

/** `src/` imports no runtime; the commands find theirs by the registry. */
const strangers = new Set(
  all
    .map(({ from }) => /^src\/([^/]+)\//.exec(from)?.[1])
    .filter((room) => room !== undefined && !rooms.includes(room)),
)
const outside = all.filter(
  ({ from, to }) => from.startsWith('src/') && from !== 'src/commands.ts' && !to.startsWith('src/'),
)
const problems = [
  ...[...strangers].map((room) => `scripts/rooms.ts: where is src/${room}/?`),
  ...arrowProblems(),
  ...circles(),
  ...outside.map(({ from, to }) => `${from}: imports ${to}`),
]
for (const problem of problems) console.log(problem)
process.exitCode = problems.length === 0 ? 0 : 1
