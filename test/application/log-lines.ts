/**
 * Lines of the log that say what the application did wrong: of the command by its own log, of a
 * program by `onError`.
 */
import { errorLine } from '../../src/serve/error-line.ts'

export const reportLine = (method: string, path: string, error: unknown): string =>
  `onError ${method} ${path}: ${errorLine(error)}`

/**
 * How many lines the log of the command held back, because more came in a second than it writes.
 */
export function heldBack(log: string): number {
  const lines = [...log.matchAll(/more errors than are logged in a second(?: \((\d+) times\))?/g)]
  return lines.reduce((sum, [, count = '1']) => sum + Number(count), 0)
}

/** How many lines report a request to this path. */
export function reportsOf(log: string, path: string): number {
  const line = new RegExp(`^(?:onError|hangup: error:) ([A-Z]+) ${path}[/:]`)
  return log.split('\n').filter((text) => line.test(text)).length
}
