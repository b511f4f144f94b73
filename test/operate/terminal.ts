/** A command on a terminal of its own (`on_terminal.py`). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { environment, type Lifetime } from './command-line.ts'

const untilMs = 20_000

interface Left {
  readonly status: number
  readonly echoes: boolean
  readonly reads_lines: boolean
}

export function onTerminal(t: Lifetime, size: readonly [number, number], command: readonly string[], env = {}) {
  const args = [fileURLToPath(new URL('on_terminal.py', import.meta.url)), ...size.map(String), ...command]
  const child = spawn('python3', args, { env: { ...environment, TERM: 'xterm-256color', ...env } })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const tell = (line: string) => void child.stdin.write(`${line}\n`)
  return {
    /** All that was written to it so far. */
    out: () => out,
    /** Resolves when this is written from now on, to all that was written until then. */
    async until(pattern: RegExp): Promise<string> {
      const from = out.length
      const late = sleep(untilMs, 'late', { ref: false })
      for (;;) {
        if (pattern.test(out.slice(from))) return out.slice(from)
        const more = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'ended'), late])
        if (typeof more === 'string') throw new Error(`${more}, without ${pattern}: ${out.slice(from)}${err}`)
      }
    },
    keys: (text: string) => tell(`keys ${Buffer.from(text).toString('hex')}`),
    resize: (columns: number, rows: number) => tell(`size ${columns} ${rows}`),
    signal: (number: number) => tell(`signal ${number}`),
    async left(): Promise<Left> {
      await ended
      return JSON.parse(err.trim().split('\n').at(-1) ?? '')
    },
  }
}
