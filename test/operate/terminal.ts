/** A command on a terminal of its own (`on_terminal.py`). */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Lifetime, launch } from '../lib/program.ts'

const untilMs = 20_000

interface Left {
  readonly status: number
  readonly echoes: boolean
  readonly reads_lines: boolean
}

export function onTerminal(t: Lifetime, size: readonly [number, number], command: readonly string[], env = {}) {
  const args = [fileURLToPath(new URL('on_terminal.py', import.meta.url)), ...size.map(String), ...command]
  const program = launch(t, ['python3', ...args], { stdin: true, env: { TERM: 'xterm-256color', ...env } })
  const { child, exited, stdout, stderr } = program
  const tell = (line: string) => void child.stdin?.write(`${line}\n`)
  return {
    /** All that was written to it so far. */
    out: stdout,
    /** Resolves when this is written from now on, to all that was written until then. */
    async until(pattern: RegExp): Promise<string> {
      const from = stdout().length
      const late = sleep(untilMs, 'late', { ref: false })
      for (;;) {
        if (pattern.test(stdout().slice(from))) return stdout().slice(from)
        const more = await Promise.race([once(child.stdout, 'data'), exited.then(() => 'ended'), late])
        if (typeof more === 'string') throw new Error(`${more}, without ${pattern}: ${stdout().slice(from)}${stderr()}`)
      }
    },
    keys: (text: string) => tell(`keys ${Buffer.from(text).toString('hex')}`),
    resize: (columns: number, rows: number) => tell(`size ${columns} ${rows}`),
    signal: (number: number) => tell(`signal ${number}`),
    async left(): Promise<Left> {
      return JSON.parse((await exited).stderr.trim().split('\n').at(-1) ?? '')
    },
  }
}
