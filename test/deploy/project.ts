/** The project of `deploy/image`, with the package as it would be published. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { environment, root } from '../lib/runtimes.ts'
import { folder } from './files.ts'

/** With a lock file, and a development dependency that production has no use for. */
export function makeProject(path: string): void {
  cpSync(`${folder}image`, path, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--pack-destination', path], { cwd: root, env: environment })
  const file = join(path, 'package.json')
  const project = JSON.parse(readFileSync(file, 'utf8'))
  project.dependencies.hangup = `file:hangup-${packageJson.version}.tgz`
  project.devDependencies = { 'itty-router': '5.0.24' }
  writeFileSync(file, JSON.stringify(project))
  execFileSync('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund', '--silent'], {
    cwd: path,
    env: environment,
  })
}
