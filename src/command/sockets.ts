/** Listening sockets that a command is handed, in the place of those that it would open. */
import type { InheritedAddress } from '../net/inherited.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import type { ServeOptions } from '../serve/contract.ts'
import { type InheritedOptions, inheritedAt } from '../serve/inherited.ts'

export interface Socket {
  readonly fd: number
  readonly at: InheritedAddress
}

const places = ['port', 'host', 'unix'] as const

/**
 * The options on the one socket that systemd has opened; none: the options as they are. `PORT` is
 * meant for whoever listens, which is systemd here. Throws a `ConfigError`.
 */
export function onSocket(
  options: ServeOptions,
  sockets: readonly Socket[],
  nameOf: (setting: (typeof places)[number]) => string,
): ServeOptions {
  const [socket] = sockets
  if (socket === undefined) return options
  if (sockets.length > 1) {
    const accepted = '1; for several a unit each, or hangup gateway with a listener for each'
    throw new ConfigError([problem('LISTEN_FDS', sockets.length, 'it serves on one socket', accepted)])
  }
  refuseBeside(options, nameOf)
  return withSocket(options, socket)
}

/** Throws a `ConfigError` for what says where to listen beside a socket. */
export function refuseBeside(
  given: Readonly<Record<string, unknown>> | ServeOptions,
  nameOf: (setting: (typeof places)[number]) => string,
): void {
  const beside = places.flatMap((name): Problem[] => {
    const value = (given as Readonly<Record<string, unknown>>)[name]
    if (value === undefined || nameOf(name) === 'PORT') return []
    return [problem(nameOf(name), value, 'systemd has opened a socket already (LISTEN_FDS)', 'one of the two')]
  })
  if (beside.length > 0) throw new ConfigError(beside)
}

/** The options on that socket, wherever they would have listened. */
export function withSocket({ port: _, host: __, unix: ___, ...rest }: ServeOptions, { fd, at }: Socket): ServeOptions {
  const options: InheritedOptions = { ...rest, fd, [inheritedAt]: at }
  return options
}
