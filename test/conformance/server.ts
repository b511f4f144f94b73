import type { Enforcement } from '../../src/policy/enforcement.ts'
import { type OptionName, optionSpecs, type Policy } from '../../src/policy/policy.ts'
import { flagOf } from '../../src/policy/spelling.ts'
import { format } from '../../src/policy/units.ts'
import type { ProfileName } from '../../src/probe/case.ts'
import type { Target } from '../../src/probe/client/target.ts'
import { testsMayVanish } from '../../src/probe/client/vanish.ts'
import { type PathName, pathNames } from '../../src/probe/terms.ts'
import { launch, type Program } from '../lib/program.ts'
import { type Profile, profiles } from './profiles.ts'
import type { Runtime, Transport } from './runtimes.ts'

export interface Server {
  readonly target: Target
  readonly stderr: () => string
  /** At once; resolves when the process is gone. */
  stop(): Promise<void>
}

/** It did not start because it does not hold these. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly options: readonly OptionName[]
  constructor(options: readonly OptionName[], cause: Error) {
    super(cause.message, { cause })
    this.options = options
  }
}

const appFiles = { fixture: 'test/fixtures/app.ts', routes: 'test/fixtures/routes-app.ts' } as const

/**
 * A limit that the runtime does not hold is a start-up error that names its flag: the server is
 * then started without it, and what it reports as enforced by nobody is not judged.
 */
export async function startServer(runtime: Runtime, profile: ProfileName, transport: Transport): Promise<Server> {
  const { app, policy } = profiles[profile]
  let given = policy
  for (;;) {
    try {
      return await start(runtime, profile, transport, { app, policy: given })
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      const refused = error.options
      given = Object.fromEntries(Object.entries(given).filter(([name]) => !refused.includes(name as OptionName)))
    }
  }
}

async function start(
  runtime: Runtime,
  profile: ProfileName,
  transport: Transport,
  { app, policy }: Profile,
): Promise<Server> {
  const flags = runtime.ready === 'report' ? policyFlags(policy) : []
  const appFlags =
    runtime.ready === 'report' && app !== 'built-in' && runtime.ownApp !== false ? ['--app', appFiles[app]] : []
  const program = launch(null, [...runtime.command, ...runtime.listen(0, transport), ...appFlags, ...flags])
  const { pid, stderr, exited, signal, kill } = program
  try {
    const said = await ready(runtime, program)
    const { hostname, port } = new URL(said.url)
    return {
      stop: kill,
      stderr,
      target: {
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port),
        tls: transport === 'tls',
        policy: said.policy,
        enforcement: said.enforcement,
        profile,
        paths: Object.fromEntries(
          pathNames
            .filter((name) => !runtime.withoutPaths.includes(name))
            .map((name): [PathName, string] => [name, name === 'hello' ? '/' : `/${name}`]),
        ),
        vanish: testsMayVanish(),
        ...(runtime.ownProcess && {
          pid,
          process: { signal, exited },
        }),
      },
    }
  } catch (error) {
    await kill()
    const options = named(stderr(), policy)
    throw options.length > 0 ? new RefusedError(options, error as Error) : error
  }
}

interface Ready {
  readonly url: string
  readonly policy: Policy
  readonly enforcement: Enforcement
}

async function ready({ ready: how }: Runtime, program: Program): Promise<Ready> {
  const [whole, url = ''] = await program.until(how === 'report' ? /^\{.*\}$/m : how.line, 'stdout')
  return how === 'report' ? JSON.parse(whole) : { ...how, url }
}

export function policyFlags(policy: Partial<Policy>): string[] {
  return (Object.entries(policy) as [OptionName, number][]).flatMap(([name, value]) => [
    flagOf(name),
    format(optionSpecs[name].kind, value),
  ])
}

/** Those of the options we gave that the error message names. */
function named(stderr: string, policy: Partial<Policy>): OptionName[] {
  return (Object.keys(policy) as OptionName[]).filter((name) => new RegExp(`${flagOf(name)}(?![\\w-])`).test(stderr))
}
