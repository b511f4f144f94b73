/**
 * The modules of `dist/` as few files, each module in one of them: to find a module costs a runtime
 * more than to compile it. Modules that the same entries load at their start are one file, so that
 * no entry loads what it does not need; what is loaded late stays apart.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { rolldown } from '../test/node_modules/rolldown/dist/index.mjs'

interface Module {
  readonly code: string | null
  readonly importedIds: readonly string[]
  readonly dynamicallyImportedIds: readonly string[]
}
type ModuleOf = (id: string) => Module | null

/**
 * `entries`: paths in `dist`; they keep theirs. Names of functions and classes stay as they are, for
 * stacks; of two that would meet in one file, one gets a number.
 */
export async function bundle(dist: string, entries: readonly string[]): Promise<void> {
  const nameOf = (path: string): string => relative(dist, path).slice(0, -'.js'.length)
  let files: ReadonlyMap<string, string> | undefined
  const build = await rolldown({
    input: Object.fromEntries(entries.map((path) => [nameOf(path), path])),
    platform: 'node',
    external: /^[^./]/,
    preserveEntrySignatures: 'allow-extension',
    onLog(level, log) {
      // One entry loads late what another always has.
      if (level === 'warn' && log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') throw new Error(log.message)
    },
  })
  const { output } = await build.generate({
    comments: false,
    // A runtime reads a fifth less. What stands in a stack keeps its name, and so does what is looked at there.
    minify: { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: false },
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        {
          debugName: 'files',
          name(id, context) {
            files ??= filesOf(entries, nameOf, (module) => context.getModuleInfo(module))
            return files.get(id) ?? null
          },
        },
      ],
    },
  })
  await build.close()
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.js')) rmSync(join(dist, path))
  }
  const chunks = output.filter((file) => file.type === 'chunk')
  refuseCircles(chunks)
  for (const { fileName, ...file } of chunks) {
    const path = join(dist, fileName)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, file.code)
  }
}

/** Files that import each other run in an order that their modules never had. */
function refuseCircles(chunks: readonly { readonly fileName: string; readonly imports: readonly string[] }[]): void {
  const importsOf = new Map(chunks.map(({ fileName, imports }) => [fileName, imports]))
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) throw new Error(`dist: files in a circle: ${[...way, file].join(' → ')}`)
    if (done.has(file)) return
    for (const next of importsOf.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of importsOf.keys()) visit(file, [])
}

/** Modules that the same loadings need. */
interface File {
  readonly modules: string[]
  readonly users: Set<string>
}

/** Bytes of a file that costs more to find than what others lose who load it without a need. */
const small = 4_000

/** What people bundle for an isolate, or into an application that has no server of ours. */
const lean = /^(runtimes\/(workers|workers-gateway|gateway)|src\/admin\/index)$/

/** The libraries that serve, and the engines, of which a server loads one late. */
const servers = ['runtimes/node/index', 'runtimes/bun/index', 'runtimes/deno/index']
const sockets = 'src/serve/socket-engine'
const engines = ['runtimes/node/http', 'runtimes/bun/serve', sockets]
const underLedger = ['runtimes/bun/serve', 'runtimes/deno/index']

/**
 * Who loads less than a server, the least first: a health check that starts every few seconds, what
 * has no server of its own, an isolate.
 */
const lighter = [/^src\/cli$/, /^src\/(admin|probe)\/index$/, /^runtimes\/workers(-gateway)?$/]

/**
 * Modules of one key are one file. What every server loads until it answers is a file for each of
 * `lighter`, with what that needs as well, and one for the rest; what only the engines with classes
 * of ours need, what only sockets do and what only the ledger does are others. Whatever a module
 * imports has at least its users, so that files never form a circle.
 */
function keyOf(users: readonly string[]): string {
  const among = (some: readonly string[]) => some.filter((each) => users.includes(each)).length
  const lightest = lighter.findIndex((entry) => users.some((user) => entry.test(user)))
  const isOfLedger = among(underLedger) > 0
  if (among(servers) > 1 || (among(engines) > 1 && isOfLedger)) return `server ${lightest}`
  if (among(engines) > 1) return `classes ${lightest}`
  if (users.includes(sockets)) return `sockets ${lightest}`
  return among(underLedger) > 1 ? 'ledger' : users.join()
}

/** The name of the file that each module is in; entries have their own. */
function filesOf(
  entries: readonly string[],
  nameOf: (path: string) => string,
  moduleOf: ModuleOf,
): ReadonlyMap<string, string> {
  const starts = startsOf(entries, moduleOf)
  const files = new Map<string, File>()
  for (const id of new Set([...starts.values()].flatMap(({ loads }) => [...loads]))) {
    if (entries.includes(id)) continue
    const users = [...starts].filter(([, { loads, has }]) => loads.has(id) && !has.has(id)).map(([root]) => root)
    const key = keyOf(users.map(nameOf))
    const file = files.get(key) ?? { modules: [], users: new Set<string>() }
    file.modules.push(id)
    for (const user of users) file.users.add(user)
    files.set(key, file)
  }
  const sizeOf = (id: string) => moduleOf(id)?.code?.length ?? 0
  // What is loaded late has a file under its name, and is there with what it alone needs.
  const shared = [...files.values()].filter(
    ({ modules, users }) => users.size > 1 || !modules.some((id) => users.has(id)),
  )
  return new Map(
    withoutSmall(shared, nameOf, moduleOf).flatMap(({ modules }) => {
      const largest = modules.reduce((most, id) => (sizeOf(id) > sizeOf(most) ? id : most))
      const name = nameOf(largest)
        .replace(/^src\//, '')
        .replaceAll('/', '-')
      return modules.map((id) => [id, name] as const)
    }),
  )
}

/**
 * A small file joins one whose users need it too, and more that do not: where that makes these load
 * nothing else, and none of them has to be lean.
 */
function withoutSmall(files: readonly File[], nameOf: (path: string) => string, moduleOf: ModuleOf): readonly File[] {
  const bytes = ({ modules }: File) => modules.reduce((sum, id) => sum + (moduleOf(id)?.code?.length ?? 0), 0)
  const left = new Set(files)
  // What the most need is what others import.
  for (const file of files.toSorted((a, b) => b.users.size - a.users.size)) {
    if (bytes(file) > small) continue
    const needs = file.modules.flatMap((id) => moduleOf(id)?.importedIds ?? [])
    const needed = [...left].filter((other) => other !== file && needs.some((id) => other.modules.includes(id)))
    const hosts = [...left].filter(
      (host) =>
        host !== file &&
        isSubset(file.users, host.users) &&
        ![...host.users].some((user) => !file.users.has(user) && lean.test(nameOf(user))) &&
        needed.every((other) => other === host || isSubset(host.users, other.users)),
    )
    const [host] = hosts.toSorted((a, b) => a.users.size - b.users.size)
    if (host === undefined) continue
    host.modules.push(...file.modules)
    left.delete(file)
  }
  return [...left]
}

const isSubset = (part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean =>
  [...part].every((each) => whole.has(each))

/** One module that a runtime is told to load: an entry, or what is loaded late. */
interface Loading {
  /** It, and all that it imports. */
  readonly loads: ReadonlySet<string>
  /** What is there before, whoever loads it. */
  readonly has: ReadonlySet<string>
}

function startsOf(entries: readonly string[], moduleOf: ModuleOf): ReadonlyMap<string, Loading> {
  const starts = new Map<string, Loading>()
  const waiting: [root: string, has: ReadonlySet<string>][] = entries.map((entry) => [entry, new Set()])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [root, before] = next
    const known = starts.get(root)
    const has = new Set([...(known?.has ?? before)].filter((id) => before.has(id)))
    if (has.size === known?.has.size) continue
    const loads = known?.loads ?? closure(root, moduleOf)
    starts.set(root, { loads, has })
    const after = new Set([...has, ...loads])
    for (const id of loads) {
      for (const late of moduleOf(id)?.dynamicallyImportedIds ?? []) {
        if (isAbsolute(late) && !entries.includes(late)) waiting.push([late, after])
      }
    }
  }
  return starts
}

function closure(root: string, moduleOf: ModuleOf): Set<string> {
  const found = new Set<string>()
  const visit = (id: string): void => {
    const module = moduleOf(id)
    if (module === null || !isAbsolute(id) || found.has(id)) return
    found.add(id)
    module.importedIds.forEach(visit)
  }
  visit(root)
  return found
}
