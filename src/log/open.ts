/** The log of a command: on standard error, in the form that was asked for or that suits whoever reads it. */
import { isatty } from 'node:tty'
import { backgroundClock } from '../lifecycle/clock.ts'
import type { Log, LogLine } from '../serve/log.ts'
import { standardStream } from './destination.ts'
import { jsonLine, type LogForm, textLine } from './forms.ts'
import { LineOutput } from './line-output.ts'

export interface CommandLog {
  readonly log: Log
  /** What is not out yet has a moment, then `exit` is called. */
  endWith(exit: (status: number) => void): (status: number) => void
}

/** A reader that stands still does not keep the process from its end for longer. */
const flushMs = 500

/** `form` undefined: text on a terminal, else JSON. */
export function openLog(form: LogForm = isatty(2) ? 'text' : 'json'): CommandLog {
  const formed = (line: LogLine) => (form === 'text' ? textLine(line) : jsonLine(line, backgroundClock.date()))
  const output = new LineOutput({
    destination: standardStream(2),
    clock: backgroundClock,
    onLost: (count, why) =>
      log({ level: 'warn', code: 'LINES_LOST', message: `lines of the log were lost: ${why}`, count }),
  })
  const log: Log = (line) => output.write(formed(line))
  return {
    log,
    endWith: (exit) => (status) => void output.flush(flushMs).then(() => exit(status)),
  }
}
