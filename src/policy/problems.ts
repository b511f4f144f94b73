/**
 * What is wrong with the values a server was given. All of it is said at once, each by the name
 * that the user wrote.
 */
import type { Coded } from './codes.ts'
import { hasCode } from './has-code.ts'

export interface Problem {
  /** As the user wrote it: `--idle-timeout`, `HANGUP_IDLE_TIMEOUT`, `idleTimeoutMs`. */
  readonly option: string
  readonly given: string
  readonly accepted: string
  /** One line with all of the above. */
  readonly message: string
}

export function problem(option: string, given: unknown, why: string, accepted: string): Problem {
  const shown = show(given)
  const said = shown === option || why.startsWith(shown) || why.startsWith(JSON.stringify(shown))
  const subject = said ? option : `${option} ${shown}`
  return { option, given: shown, accepted, message: `${subject}: ${why}${accepted && `; accepted: ${accepted}`}` }
}

export function show(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : value
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object') return String(value)
  try {
    return JSON.stringify(value) ?? 'an object'
  } catch {
    return 'an object' // it holds itself, or a bigint
  }
}

function text(problems: readonly Problem[]): string {
  if (problems.length === 1) return problems[0]!.message
  return [`${problems.length} problems:`, ...problems.map(({ message }) => `  ${message}`)].join('\n')
}

/** Two copies of a package have two classes: the code is what stays. */
export const isConfigError = (error: unknown): error is ConfigError => hasCode(error, 'CONFIG_INVALID')

/**
 * The configuration is invalid: a value, a flag, a variable, or a file that one of them names.
 * Callers match `code`.
 */
export class ConfigError extends Error implements Coded {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[], more?: ErrorOptions) {
    super(text(problems), more)
    this.problems = problems
  }
}
