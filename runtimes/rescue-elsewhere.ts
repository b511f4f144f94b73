/** For a runtime without an FFI: the same command on one that has it. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { runtimes } from './registry.ts'

/** Resolves to the exit status of `cli`, the command's own file, there; null: none is installed. */
export function rescueElsewhere(cli: string, argv: readonly string[]): Promise<number> | null {
  const others = Object.entries(runtimes).filter(([, { hasFfi }]) => hasFfi)
  const found = others.map(([name, { before }]) => ({ path: pathOf(name), before })).find(({ path }) => path !== null)
  if (found?.path == null) return null
  const child = spawn(found.path, [...found.before, cli, 'rescue', ...argv], { stdio: 'inherit' })
  // The terminal and supervisors signal both; the child ends as it sees fit.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 2))
  })
}

/** What npm has put into a checkout, and beside the package where this is a file of it. */
const beside = ['../node_modules/.bin', '../../../.bin'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/** In PATH, or where npm puts what is installed beside us. */
function pathOf(program: string): string | null {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...beside]) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not there.
    }
  }
  return null
}
