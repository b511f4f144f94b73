/**
 * Installs what the tests need beside the runtimes (`test/package.json`: wrangler, other
 * frameworks, bundlers) if it is not there as its lock file says. It is 290 MB, so `npm ci` leaves
 * it to `npm run check` and `npm test`.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../test/', import.meta.url))
const lock = `${folder}package-lock.json`
const installed = `${folder}node_modules/.installed-lock.json`

if (textOf(installed) !== textOf(lock)) {
  process.stderr.write('Installing the tools of the tests, test/package.json …\n')
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    // Not this script's own npm settings, of which the folder is one.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package)/.test(name)),
    ),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) {
    process.stderr.write(
      `npm run tools: they can’t be installed${error ? ` (${error.message})` : ''}: npm needs its registry for it\n`,
    )
    process.exit(1)
  }
  copyFileSync(lock, installed)
}

/** Null: there is none. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
