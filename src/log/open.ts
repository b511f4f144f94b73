/**
 * The logs of a command, as its settings have them: events on standard error, and the access log.
 */
import process from 'node:process'
import { isatty } from 'node:tty'
import { backgroundClock, systemClock } from '../lifecycle/clock.ts'
import type { AccessEntry } from '../observe/access.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Log, LogLine } from '../serve/log.ts'
import { accessWriter } from './access-forms.ts'
import { appendedFile, type LogFile, standardStream } from './destination.ts'
import { jsonLine, type LogForm, textLine } from './forms.ts'
import { LineOutput } from './line-output.ts'
import type { LogSettings } from './settings.ts'

export interface CommandLogs {
  readonly log: Log
  /** Undefined: nobody wants it. */
  readonly accessLog: ((entry: AccessEntry) => void) | undefined
  /** What is not out yet has a moment, then `exit` is called. */
  endWith(exit: (status: number) => void): (status: number) => void
}

/** A reader that stands still does not keep the process from its end for longer. */
const flushMs = 500
/** A runtime tells a moment later of connections that were cut. */
const lastEndsMs = 20

/**
 * `log` undefined: text on a terminal, else JSON. Throws a `ConfigError` for a file that cannot be
 * written to.
 */
export function openLogs(settings: LogSettings, nameOf: (setting: keyof LogSettings) => string): CommandLogs {
  const events = eventLog(settings.log)
  const access = accessOutput(settings, nameOf, events.log)
  return {
    log: events.log,
    accessLog: access?.write,
    endWith: (exit) => (status) => {
      const flushEvents = () => events.output.flush(flushMs).then(() => exit(status))
      if (access === null) void flushEvents()
      // What is lost of the access log is an event.
      else systemClock.after(lastEndsMs, () => void access.output.flush(flushMs).then(flushEvents))
    },
  }
}

function eventLog(form: LogForm = isatty(2) ? 'text' : 'json'): { readonly log: Log; readonly output: LineOutput } {
  const formed = (line: LogLine) => (form === 'text' ? textLine(line) : jsonLine(line, backgroundClock.date()))
  const log: Log = (line) => output.write(formed(line))
  const output = new LineOutput({
    destination: standardStream(2),
    clock: systemClock,
    onLost: (count, why) => log(lost('the log', count, why)),
  })
  return { log, output }
}

/** As files they could not be opened where they are sockets. */
const standardStreams: Readonly<Record<string, 1 | 2>> = { '-': 1, '/dev/stdout': 1, '/dev/stderr': 2 }

const lost = (what: string, count: number, why: string): LogLine => ({
  level: 'warn',
  code: 'LINES_LOST',
  message: `a line of ${what} was lost: ${why}`,
  count,
})

function accessOutput(
  {
    accessLogFile: path,
    accessLog: form = path === undefined ? undefined : 'json',
    accessLogQuery = false,
  }: LogSettings,
  nameOf: (setting: keyof LogSettings) => string,
  log: Log,
): { readonly write: (entry: AccessEntry) => void; readonly output: LineOutput } | null {
  if (form === undefined) return null
  const stream = path === undefined ? 1 : standardStreams[path]
  const file = stream === undefined ? opened(path!, nameOf('accessLogFile')) : null
  const output = new LineOutput({
    destination: file ?? standardStream(stream!),
    clock: systemClock,
    onLost: (count, why) => log(lost('the access log', count, why)),
    tellsElsewhere: true,
    onStuck: (why) =>
      log({ level: 'error', code: 'LINES_WAIT', message: `the access log cannot be written: ${why}`, count: 1 }),
  })
  const writer = accessWriter(form, accessLogQuery)
  const begin = (): void => {
    if (writer.head !== '') output.write(writer.head)
  }
  if (file === null || file.isEmpty) begin()
  if (file !== null) reopenOnSignals(file, begin, log)
  return {
    output,
    write(entry) {
      const line = writer.line(entry)
      if (line !== null) output.write(line)
    },
  }
}

function opened(path: string, name: string): LogFile {
  try {
    return appendedFile(path)
  } catch (error) {
    throw new ConfigError([
      problem(name, path, `it cannot be written to (${whyOf(error)})`, 'a file in a folder that is there'),
    ])
  }
}

function whyOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}

/** As logrotate and newsyslog send them. */
function reopenOnSignals(file: LogFile, begin: () => void, log: Log): void {
  const reopen = (): void => {
    try {
      file.reopen()
      if (file.isEmpty) begin()
    } catch (error) {
      const message = `the access log cannot be opened anew (${whyOf(error)}); the old file goes on`
      log({ level: 'error', code: 'REOPEN_FAILED', message, count: 1 })
    }
  }
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    try {
      process.on(signal, reopen)
    } catch (error) {
      log({ level: 'info', code: 'SIGNAL_UNAVAILABLE', message: `${signal} cannot be handled: ${error}`, count: 1 })
    }
  }
}
