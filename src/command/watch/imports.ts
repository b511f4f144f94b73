/**
 * The files that a module imports, and those that they import: what a watch follows. Found in the
 * text, so on every runtime.
 */
import { readFile, realpath, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const specifier = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"])([^'"\n]+)\1/g
const scripts = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs']

/**
 * `entry` first. A file that is named and not there is listed as well: it may come. Packages are
 * not followed.
 */
export async function importedBy(entry: string): Promise<readonly string[]> {
  const found = new Set([entry])
  // Grows while it is walked.
  for (const file of found) {
    if (!scripts.includes(extname(file))) continue
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const [, , name = ''] of text.matchAll(specifier)) {
      const path = await pathOf(name, file)
      if (path !== null) found.add(path)
    }
  }
  return [...found]
}

async function pathOf(name: string, from: string): Promise<string | null> {
  if (/^\.{0,2}\//.test(name)) return existing(resolve(dirname(from), name.replace(/[?#].*$/, '')))
  if (name.startsWith('file:')) return existing(fileURLToPath(new URL(name).href.replace(/[?#].*$/, '')))
  try {
    // A package of the same workspace, or a name that package.json gives to a file (`#lib`).
    const path = await realpath(createRequire(pathToFileURL(from)).resolve(name))
    return path.includes('/node_modules/') ? null : path
  } catch {
    return null
  }
}

/**
 * As bundlers and CommonJS look for it; TypeScript is often imported by the name of what it
 * becomes.
 */
async function existing(path: string): Promise<string> {
  const asTypeScript = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')
  const names = [path, asTypeScript, ...scripts.flatMap((end) => [path + end, resolve(path, `index${end}`)])]
  for (const name of names) {
    if ((await stat(name).catch(() => null))?.isFile()) return name
  }
  return path
}
