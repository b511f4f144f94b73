/**
 * `node shim.ts '{"signals":1}' program …`: a process in front of a server's that passes signals
 * and statuses on, but for a sin.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import type { ProcessSin } from './sin.ts'

const [sinText = '{}', program = '', ...args] = process.argv.slice(2)
const sin: ProcessSin = JSON.parse(sinText)
const child = spawn(program, args, { stdio: 'inherit' })
let passed = 0
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    if (sin.drops) child.kill('SIGKILL')
    else if (passed++ < (sin.signals ?? Number.POSITIVE_INFINITY)) child.kill(name)
  })
}
child.once('exit', (code) => process.exit(sin.status ?? code ?? 1))
