/**
 * Servers of Python, where this machine has them: Debian's packages, under the system's
 * interpreter.
 */
import { spawnSync } from 'node:child_process'
import { type Lifetime, type Program, startProgram } from '../lib/program.ts'
import { root } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'

const python = '/usr/bin/python3'
const folder = `${root}test/fixtures/backends/`

const has = (module: string) => spawnSync(python, ['-c', `import ${module}`]).status === 0

/** `false`, or why a test can't run here, said so that nobody overlooks it. */
function missing(module: string, debianPackage: string): string | false {
  if (has(module)) return false
  const why = `NOT TESTED: ${python} has no ${module}; apt-get install ${debianPackage}`
  console.error(`\n*** ${why} ***\n`)
  return why
}

export const withoutGevent = missing('gevent', 'python3-gevent')
export const withoutGunicorn = missing('gunicorn', 'gunicorn')

/** gevent.pywsgi with `app.py`; on SIGTERM it says how many POSTs it has executed, and ends. */
export async function startGevent(t: Lifetime | null): Promise<Program & Port> {
  const program = await startProgram(t, [python, '-B', `${folder}gevent_server.py`])
  return { ...program, port: Number(program.line) }
}

/**
 * gunicorn's default worker, which serves one connection at a time, with `app.py` or another
 * application.
 */
export async function startGunicorn(t: Lifetime, workers: number, application = 'app:app'): Promise<Program & Port> {
  const command = [python, '-B', `${folder}gunicorn_server.py`, String(workers), application] as const
  const program = await startProgram(t, command, { cwd: folder })
  return { ...program, port: Number(program.line) }
}
