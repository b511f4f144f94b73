/** A command line of `deploy/`, read by the parser of the command that it starts. */
import assert from 'node:assert/strict'
import packageJson from '../../package.json' with { type: 'json' }
import type { Env } from '../../src/command/env.ts'
import { readPlaces, readSettings } from '../../src/command/flags.ts'
import { type CommandName, commands, resolveEntries } from '../../src/command/settings.ts'
import type { Policy } from '../../src/policy/policy.ts'

/** Where npm, Bun and Deno put the command of the package. */
const program = `node_modules/hangup/${packageJson.bin.hangup}`

/** The command behind the runtime and its own flags; fails for words that start something else. */
export function commandOf(words: readonly string[]): {
  readonly command: CommandName
  readonly argv: readonly string[]
} {
  const at = words.indexOf(program)
  assert.ok(at > 0, `${words.join(' ')} does not start ${program}`)
  const [command = '', ...argv] = words.slice(at + 1)
  assert.ok(Object.hasOwn(commands, command), `there is no command ${command}`)
  return { command: command as CommandName, argv }
}

/** Fails with everything that is wrong in flags and variables. */
export function accepted(words: readonly string[], env: Env = {}): void {
  const { command, argv } = commandOf(words)
  const { places, problems } = readPlaces(argv, env, command)
  resolveEntries(commands[command].settings, places, problems)
  assert.deepEqual(problems, [])
}

/** The policy under which `serve` or `gateway` would run. */
export function policyOf(words: readonly string[], env: Env = {}): Policy {
  accepted(words, env)
  const { command, argv } = commandOf(words)
  return readSettings(argv, env, command).resolved.policy
}

/** From the end of the drain to SIGKILL: what the process needs to end by itself. */
const reserveMs = 5_000

/**
 * What a supervisor must wait after SIGTERM. `drainTimeoutMs` counts from the signal, and so
 * includes `drainDelayMs`.
 */
export const graceMs = ({ drainTimeoutMs }: Pick<Policy, 'drainTimeoutMs'>): number => drainTimeoutMs + reserveMs
