/**
 * `dist/`, what the npm package holds: JavaScript without comments for every module that the package's entries reach, and
 * declarations with theirs for those that the types of a public entry reach. `npm pack` runs it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const bin = (name: string) => join(root, 'node_modules/.bin', name)
function run(program: string, ...args: string[]): void {
  const { status } = spawnSync(bin(program), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) process.exit(1)
}
const compile = (...args: string[]) => run('tsc', '--project', 'tsconfig.build.json', ...args)

rmSync(dist, { recursive: true, force: true })
compile('--removeComments', '--declaration', 'false')
// Indentation and line ends are a sixth of what tsc writes. Names stay: a stack says where it was.
const compact = ['--minify-whitespace', '--line-limit=120', '--outdir=dist', '--outbase=dist', '--allow-overwrite']
run('../../test/node_modules/.bin/esbuild', '--log-level=warning', ...compact, ...filesIn(dist))
chmodSync(join(root, packageJson.bin.hangup), 0o755)

compile('--declarationMap', '--emitDeclarationOnly')
const declarations = publicDeclarations()
for (const path of filesIn(dist)) {
  if (!/\.d\.ts(\.map)?$/.test(path)) continue
  const declaration = declarations.get(path.replace(/\.map$/, ''))
  if (declaration === undefined) rmSync(path)
  else if (!path.endsWith('.map')) writeFileSync(path, declaration)
}

/** By path, each as it is to be: tsc leaves the endings of imports as they are, and old compilers look for a `.ts` there. */
function publicDeclarations(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (path: string): void => {
    if (found.has(path)) return
    const text = readFileSync(path, 'utf8').replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2')
    found.set(path, text)
    for (const [, imported] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]*)\.js['"]/g)) {
      visit(join(dirname(path), `${imported}.d.ts`))
    }
  }
  for (const path of typesIn(packageJson.exports)) visit(join(root, path))
  return found
}

/** What stands under `types` in the conditions of `exports`. */
function typesIn(exported: unknown): string[] {
  if (typeof exported !== 'object' || exported === null) return []
  return Object.entries(exported).flatMap(([name, to]) => (name === 'types' ? [to as string] : typesIn(to)))
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
