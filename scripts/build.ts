/**
 * `dist/`, what the npm package holds: JavaScript in few files (`scripts/chunks.ts`), and
 * declarations of the modules that the types of a public entry reach. Those whose names can be
 * imported have their comments, a map and their source. `npm pack` runs it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import { optionNames, optionSpecs } from '../src/policy/policy.ts'
import { format } from '../src/policy/units.ts'
import { bundle } from './chunks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const bin = (name: string) => join(root, 'node_modules/.bin', name)
function run(program: string, ...args: string[]): void {
  const { status } = spawnSync(bin(program), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) process.exit(1)
}
const compile = (...args: string[]) => run('tsc', '--project', 'tsconfig.build.json', ...args)

rmSync(dist, { recursive: true, force: true })
compile('--removeComments')
await bundle(
  dist,
  [packageJson.bin.hangup, ...exportedAs('default')].map((path) => join(root, path)),
)
// A fifth of what tsc writes is indentation, line ends and long forms.
const compact = ['--minify-whitespace', '--minify-syntax', '--charset=utf8', '--line-limit=120']
const inPlace = ['--outdir=dist', '--outbase=dist', '--allow-overwrite', '--log-level=warning']
const scripts = filesIn(dist).filter((path) => path.endsWith('.js'))
run('../../test/node_modules/.bin/esbuild', ...compact, ...inPlace, ...scripts)
// Bun reads a file that says so as it is, and does not write it anew first.
for (const path of scripts) {
  const code = readFileSync(path, 'utf8')
  if (!code.startsWith('#!')) writeFileSync(path, `// @bun\n${code}`)
}
chmodSync(join(root, packageJson.bin.hangup), 0o755)

const mapReference = /\n\/\/# sourceMappingURL=.*/
const policy = join(dist, 'src/policy/policy.d.ts')
const declarations = reachedFrom(entries(), importsOf)
const uncommented = new Map([...declarations].map((path) => [path, readFileSync(path, 'utf8')]))
compile('--declarationMap', '--emitDeclarationOnly')
/** The declarations whose names a program can import: their comments are for its author. */
const named = new Set([...entries(), ...reachedFrom(entries().flatMap(importsOf), exportsOf)])
/**
 * What is written to be read: the entries, and the types of what `serve()` and `gateway()` take and
 * give.
 */
const withSource = new Set([
  ...entries().filter((path) => !path.startsWith(join(dist, 'src'))),
  ...reachedFrom([join(dist, 'src/public-types.d.ts'), join(dist, 'src/gateway/contract.d.ts')], exportsOf),
])

for (const path of filesIn(dist)) {
  if (path.endsWith('.d.ts')) {
    if (!declarations.has(path)) rmSync(path)
    else writeFileSync(path, asShipped(path))
  }
  if (path.endsWith('.d.ts.map')) {
    const declaration = path.slice(0, -'.map'.length)
    if (withSource.has(declaration) && declaration !== policy) shipSource(path)
    else rmSync(path)
  }
}

/** Old compilers look for the `.ts` that tsc leaves in the imports of declarations. */
function asShipped(path: string): string {
  const text = (named.has(path) ? readFileSync(path, 'utf8') : uncommented.get(path)) ?? ''
  const imports = text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2')
  if (path === policy) return describedOptions(imports)
  if (withSource.has(path)) return imports
  const tabs = imports.replace(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4))
  return tabs.replace(mapReference, '')
}

/**
 * What is known of each option stands over it, where an editor shows it: in the code it is data.
 */
function describedOptions(text: string): string {
  const options = optionNames.map((name) => {
    const { kind, default: preset, off, what, resets, peerSees, why, source } = optionSpecs[name]
    const value = preset === 'derived' ? preset : format(kind, preset)
    const said = [
      what,
      `Default ${value}${off ? ', 0 or `off` for none' : ''}: ${why} (${source})`,
      ...(resets === '–' ? [] : [`Its clock is set back by: ${resets}.`]),
      ...(peerSees === '–' ? [] : [`The client sees: ${peerSees}.`]),
    ]
    return `  /**\n${said.map((line) => `   * ${line}\n`).join('   *\n')}   */\n  readonly ${name}?: Amount;\n`
  })
  const mapped = /export type PolicyInput = \{[^}]*\};/
  if (!mapped.test(text)) throw new Error(`${policy} has no PolicyInput to describe`)
  return text.replace(mapped, () => `export interface PolicyInput {\n${options.join('')}}`).replace(mapReference, '')
}

/**
 * A map leads an editor to the source, which therefore is there: beside no declaration, where a
 * compiler would take it.
 */
function shipSource(map: string): void {
  const { sources, ...rest } = JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }
  const shipped = sources.map((source) => {
    const original = join(dirname(map), source)
    const copy = join(dist, 'sources', relative(root, original))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(original, copy)
    return relative(dirname(map), copy)
  })
  writeFileSync(map, JSON.stringify({ ...rest, sources: shipped }))
}

/** The declarations that a program can name. */
function entries(): string[] {
  return exportedAs('types').map((path) => join(root, path))
}

/** What stands under this condition in `exports`, each once. */
function exportedAs(condition: 'types' | 'default'): string[] {
  const pathsIn = (exported: unknown): string[] => {
    if (typeof exported !== 'object' || exported === null) return []
    return Object.entries(exported).flatMap(([name, to]) =>
      name === condition && typeof to === 'string' ? [to] : pathsIn(to),
    )
  }
  return [...new Set(pathsIn(packageJson.exports))]
}

function reachedFrom(paths: readonly string[], next: (path: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (found.has(path)) return
    found.add(path)
    next(path).forEach(visit)
  }
  paths.forEach(visit)
  return found
}

function importsOf(path: string): string[] {
  return declarationsIn(path, /(?:from|import\()\s*['"](\.[^'"]*)\.[jt]s['"]/g)
}

function exportsOf(path: string): string[] {
  return declarationsIn(path, /export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*from\s*['"](\.[^'"]*)\.[jt]s['"]/g)
}

function declarationsIn(path: string, imports: RegExp): string[] {
  return [...readFileSync(path, 'utf8').matchAll(imports)].map(([, name]) => join(dirname(path), `${name}.d.ts`))
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
