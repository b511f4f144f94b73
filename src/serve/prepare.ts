/** What every engine's start begins with, in one place. */

import type { Shortage } from '../lifecycle/descriptor-budget.ts'
import { type Reason, type ReasonName, reasons } from '../lifecycle/reasons.ts'
import type { CertificatePem } from '../net/transport.ts'
import { checkEnforcement } from '../policy/check-enforcement.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { OptionName } from '../policy/policy.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Resolved } from '../policy/resolve.ts'
import { format } from '../policy/units.ts'
import { CertificateError } from '../tls/certificate-error.ts'
import type { App, Fetch, ServeOptions } from './contract.ts'
import { BurstLog, type LogLine, stderrLog, ThrottledLog } from './log.ts'
import { nodeStyleRefusal } from './node-handler.ts'
import { checkRoutes } from './route-limits.ts'
import type { Start } from './runtime.ts'

export interface ReasonLog {
  /** A line for a reason that is worth one, at most one a second each. */
  note(reason: ReasonName): void
  /** Any other line, held to the same rate. */
  write(line: Omit<LogLine, 'count'>): void
  /** A line that says something of its own: each is written, up to a bound a second. */
  error(line: Omit<LogLine, 'count'>): void
  flush(): void
}

/**
 * The policy, checked against what the engine enforces: throws a `ConfigError` for a set limit that
 * nobody holds, or a route's that this engine can't change; warns once of those that are held
 * coarsely.
 */
export function prepare(
  { options, resolved, runtime }: Pick<Start, 'options' | 'resolved' | 'runtime'>,
  enforcement: Enforcement,
): Pick<Resolved, 'policy' | 'origins'> & { readonly log: ReasonLog } {
  const { warnings } = checkEnforcement(resolved, enforcement, runtime)
  checkRoutes({ enforcement, runtime })
  const write = options.log ?? stderrLog
  for (const message of warnings) write({ level: 'warn', code: 'COARSE_LIMITS', message, count: 1 })
  const throttled = new ThrottledLog(write)
  const errors = new BurstLog(write)
  return {
    policy: resolved.policy,
    origins: resolved.origins,
    log: {
      note(name) {
        const { option, message }: Reason = reasons[name]
        if (message !== null) throttled.write({ level: 'warn', code: option, message })
      },
      write: (line) => throttled.write(line),
      error: (line) => errors.write(line),
      flush() {
        throttled.flush()
        errors.flush()
      },
    },
  }
}

/** What is said while descriptors are short, once a second at most. */
export function shortageLog({ write }: ReasonLog, now: () => number): (shortage: Shortage) => void {
  let saidAt = Number.NEGATIVE_INFINITY
  return ({ used, soft, idleMs, full }) => {
    if (now() - saidAt < 1_000) return
    saidAt = now()
    const idle =
      idleMs === 0
        ? 'closing connections that wait for their clients'
        : `the idle limit is now ${format('duration', idleMs)}`
    write({
      level: 'warn',
      code: 'reservedDescriptors' satisfies OptionName,
      message: `low on file descriptors (${used} of ${soft} in use): ${full ? 'all connections are in a request' : idle}`,
    })
  }
}

export function certificatesOf(tls: NonNullable<ServeOptions['tls']>): readonly CertificatePem[] {
  return 'certificates' in tls ? tls.certificates : [tls]
}

/** Throws a `ConfigError` for what can't be asked for a Response. */
export function fetchOf(app: App): Fetch {
  const refusal = nodeStyleRefusal(app)
  if (refusal !== null) throw new ConfigError([problem('app', 'app', refusal, '')])
  if (typeof app === 'function') return app
  if (typeof app?.fetch !== 'function') {
    throw new ConfigError([problem('app', app, 'it is neither a fetch function nor has one, as a Hono app does', '')])
  }
  return (request, ...rest) => app.fetch(request, ...rest)
}

interface Address {
  readonly secure: boolean
  readonly host: string | undefined
  readonly port: number
  readonly unix?: string | undefined
}

/** Where to aim a browser: an address that means "all" is written as localhost. */
export function urlOf({ secure, host, port, unix }: Address): string {
  if (unix !== undefined) return `${secure ? 'https' : 'http'}+unix://${encodeURIComponent(unix)}/`
  const all = host === undefined || host === '0.0.0.0' || host === '::'
  const name = all ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${secure ? 'https' : 'http'}://${name}:${port}/`
}

const refusals: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; choose another port, or end the server that has it',
  EACCES: 'it is not permitted; a port below 1024 may need root or CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'no such address here',
}

const unixRefusals: Readonly<Record<string, string>> = {
  ...refusals,
  EADDRINUSE: 'another server listens there',
  // Which is also what Node says of a folder that does not exist.
  EACCES: 'it is not permitted, or there is no such folder',
  ENOTSOCK: 'what is there is not a socket',
  ENOENT: 'there is no such folder',
  EINVAL: 'a path of a socket is shorter (107 bytes on Linux, 103 on macOS)',
}

/** Says what could not be listened on, and keeps the runtime's error as the cause. */
export function listenError(cause: unknown, { host, port = 3000, unix, fd }: ServeOptions): Error {
  if (cause instanceof CertificateError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const address =
    fd === undefined ? (unix ?? `port ${port}${host === undefined ? '' : ` of ${host}`}`) : `the inherited socket ${fd}`
  const why = (unix === undefined ? refusals : unixRefusals)[code as string] ?? message
  const error = new Error(`cannot listen on ${address}: ${why}`, { cause })
  return Object.assign(error, { code: code ?? 'LISTEN_FAILED', syscall: 'listen' })
}
