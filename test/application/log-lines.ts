/** Lines of the log that say what the application did wrong: of the command by its own log, of a program by `onError`. */

export const reportLine = (method: string, path: string, error: unknown): string =>
  `onError ${method} ${path}: ${String(error).split('\n', 1)[0]}`

/** How many lines report a request to this path. */
export function reportsOf(log: string, path: string): number {
  const line = new RegExp(`^(?:onError|hangup: error:) ([A-Z]+) ${path}[/:]`)
  return log.split('\n').filter((text) => line.test(text)).length
}
