/**
 * A project outside the checkout that has the examples, and hangup as its package lays it out:
 * `exports` and built files.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { root } from '../lib/runtimes.ts'

/** What the examples import, and with it what hangup does. */
const imported = ['hangup', 'h3', 'hono']
const packages = new Set([...imported.slice(1), ...Object.keys(packageJson.dependencies)])

/** Where `npm run tools` and `npm ci` install. */
const installed = (name: string): string =>
  [`${root}test/node_modules/${name}`, `${root}node_modules/${name}`].find((path) => existsSync(path)) ??
  `there is no ${name}`

export const wrangler = (): string => join(installed('wrangler'), 'bin/wrangler.js')

/** Without declarations, which nothing here reads: four seconds. */
export function createProject(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-examples-'))
  const modules = join(folder, 'node_modules')
  cpSync(`${root}examples`, folder, { recursive: true })
  mkdirSync(`${modules}/hangup`, { recursive: true })
  cpSync(`${root}package.json`, `${modules}/hangup/package.json`)
  const build = ['--project', 'tsconfig.build.json', '--declaration', 'false', '--outDir', `${modules}/hangup/dist`]
  execFileSync(`${root}node_modules/.bin/tsc`, build, { cwd: root, stdio: 'inherit' })
  writeFileSync(
    `${folder}/package.json`,
    JSON.stringify({ type: 'module', dependencies: Object.fromEntries(imported.map((name) => [name, '*'])) }),
  )
  for (const name of packages) {
    mkdirSync(join(modules, name, '..'), { recursive: true })
    symlinkSync(installed(name), join(modules, name))
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
