/** The option `fd`: a listening socket that the process has inherited, and what it listens on. */
import process from 'node:process'
import { addressOfInherited, type InheritedAddress } from '../net/inherited.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import type { ServeOptions } from './contract.ts'

const accepted = 'the number of a listening socket that this process has inherited: 3 or more'

/**
 * What it listens on, on the options themselves: whoever handed it over knows, wherever `/proc`
 * does not say.
 */
export const inheritedAt = Symbol('hangup.inheritedAt')
export type InheritedOptions = ServeOptions & { readonly [inheritedAt]?: InheritedAddress }

/**
 * With what it listens on in the place of `port`, `host` and `unix`; without `fd` the options as
 * they are. Throws a `ConfigError`.
 */
export function withInherited(given: ServeOptions): ServeOptions {
  const { fd, port, host, unix, ...rest } = given
  if (fd === undefined) return given
  const beside = Object.entries({ port, host, unix }).flatMap(([name, value]): Problem[] =>
    value === undefined ? [] : [problem(name, value, 'fd says where to listen already', 'one of the two')],
  )
  if (beside.length > 0) throw new ConfigError(beside)
  return { ...rest, fd, ...((given as InheritedOptions)[inheritedAt] ?? addressOf(fd, 'fd')) }
}

/** `name`: how the number was written by whoever gave it. Throws a `ConfigError`. */
export function addressOf(fd: number, name: string): InheritedAddress {
  const refuse = (why: string) => new ConfigError([problem(name, fd, why, accepted)])
  if (!Number.isInteger(fd) || fd < 3) throw refuse('it is not one')
  if (process.platform !== 'linux')
    throw refuse(`what it listens on can be told on Linux alone, this is ${process.platform}`)
  const at = addressOfInherited(fd)
  if (typeof at === 'string') throw refuse(at)
  return at
}
