/** The terminal of this process as a screen, given back as it was at every end. */
import { writeSync } from 'node:fs'
import process from 'node:process'
import type { Line, Size, Style } from './view.ts'

const escapes = { enter: '\x1b[?1049h\x1b[?25l', leave: '\x1b[0m\x1b[?25h\x1b[?1049l', home: '\x1b[H' }

/** Without colour what is left says it too: in words, or by its place. */
const styles: Readonly<Record<Style, { readonly code: string; readonly isColour: boolean }>> = {
  bold: { code: '1', isColour: false },
  dim: { code: '2', isColour: false },
  selected: { code: '7', isColour: false },
  soon: { code: '33', isColour: true },
  busy: { code: '32', isColour: true },
  wrong: { code: '31', isColour: true },
}

export interface Told {
  /** What a terminal sends at once. */
  keys(text: string): void
  /** The screen has another size, or has to be drawn anew. */
  resized(): void
  /** A signal ends the program. */
  ended(status: number): void
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

export class Terminal {
  readonly #colours: boolean
  #isMine = false
  readonly #undo: (() => void)[] = []

  constructor(env: Readonly<Record<string, unknown>>) {
    this.#colours = !env['NO_COLOR']
  }

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }
  }

  enter(told: Told): void {
    this.#isMine = true
    const on = (name: string, listener: (...args: any[]) => void) => {
      process.on(name, listener)
      this.#undo.push(() => process.off(name, listener))
    }
    on('exit', () => this.leave())
    // Before the error is printed: on the other screen nobody would read it.
    on('uncaughtExceptionMonitor', () => this.leave())
    for (const [name, status] of Object.entries(signals)) on(name, () => told.ended(status))
    on('SIGWINCH', () => told.resized())
    const keys = (text: string) => told.keys(text)
    const { stdin } = process
    stdin.setRawMode(true)
    stdin.setEncoding('utf8').on('data', keys).resume()
    const gone = () => told.ended(signals.SIGHUP)
    stdin.once('end', gone)
    this.#undo.push(() => {
      stdin.off('data', keys).off('end', gone)
      stdin.setRawMode(false)
      stdin.pause()
    })
    write(escapes.enter)
  }

  draw(lines: readonly Line[]): void {
    if (this.#isMine) write(`${escapes.home}${lines.map((line) => this.#drawn(line)).join('\r\n')}\x1b[J`)
  }

  leave(): void {
    if (!this.#isMine) return
    this.#isMine = false
    for (const undo of this.#undo.splice(0)) {
      try {
        undo()
      } catch {
        // The terminal has gone.
      }
    }
    write(escapes.leave)
  }

  #drawn({ text, style }: Line): string {
    const { code, isColour } = style === undefined ? { code: null, isColour: false } : styles[style]
    const painted = code === null || (isColour && !this.#colours) ? text : `\x1b[${code}m${text}\x1b[0m`
    return `${painted}\x1b[K`
  }
}

/** At once, so that it is out before the process ends. */
function write(text: string): void {
  try {
    writeSync(1, text)
  } catch {
    // The terminal has gone, or takes no more now: the next look draws anew.
  }
}
