/**
 * From a configuration file, flags and variables to what a gateway runs by. Flags win over
 * variables, both over the file, all over defaults; what the top of the file or a flag says in
 * general gives way to what a group or a route says for itself.
 */

import { acceptedOf, readOption } from '../../policy/option.ts'
import { optionNames, type PolicyInput } from '../../policy/policy.ts'
import type { PresetName } from '../../policy/presets.ts'
import { ConfigError, isConfigError, type Problem, problem } from '../../policy/problems.ts'
import {
  type GivenOptions,
  givenAs,
  isSet,
  type Layer,
  type PolicySources,
  type Resolved,
  resolvePolicy,
} from '../../policy/resolve.ts'
import { flagOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { type ListenerPlan, listenersOf, redirectOf } from '../downstream/listeners.ts'
import type { GatewayConfig } from './config.ts'
import { type GatewaySettings, overlay } from './flags.ts'
import { groupsOf } from './groups.ts'
import { routesOf } from './routes.ts'
import { gatewayScope, type ReadFile } from './schema.ts'
import { settled } from './setting.ts'
import {
  type UpstreamOptionName,
  type UpstreamOptions,
  upstreamOptionNames,
  upstreamOptionSpecs,
} from './settings/limits.ts'
import { type Origin, Source } from './source.ts'

export interface GatewayPlan {
  /** The file, or null: flags and variables alone. */
  readonly from: string | null
  readonly config: GatewayConfig
  readonly listeners: readonly ListenerPlan[]
  /** For each listener's `serve()`: the policy, and with `givenAs` where it came from. */
  readonly serve: GivenOptions
  readonly resolved: Resolved
  /** The limits of upstreams where no group or route has its own, and where each comes from. */
  readonly upstream: {
    readonly options: UpstreamOptions
    readonly origins: Readonly<Record<UpstreamOptionName, Layer['origin'] | 'default' | 'fitted'>>
  }
  /** Everything that was read: when one of them changes, so may the plan. */
  readonly files: readonly string[]
  /** What is not a mistake and still worth a line. */
  readonly notes: readonly string[]
}

export interface GivenGateway extends Origin {
  readonly file: ReadFile
  readonly settings: GatewaySettings
  nameOf(setting: string): string
  /** Flags, variables: the first that has an option wins. */
  readonly layers: readonly Layer[]
  /** Where it is to run: what can't be had there, and what is there already. */
  readonly place?: {
    refuse(file: ReadFile, upstream: GatewayPlan['upstream'], source: Source): void
    /** Clients speak TLS to somebody in front. */
    readonly tls: boolean
  }
}

/** Throws a `ConfigError` with everything that is wrong. */
export async function resolveGateway(given: GivenGateway): Promise<GatewayPlan> {
  const { settings, nameOf, path, place } = given
  const { file, names } = overlay(given.file, settings, nameOf)
  const source = new Source(given, names)
  const { problems, notes } = source

  const policy = resolvePolicyOf(given, file, problems)
  const upstream = resolveUpstream(given, file, problems)
  place?.refuse(file, upstream, source)
  const listeners = await listenersOf(file, source)
  const groups = await groupsOf(file, upstream.options, source)
  const routes = await routesOf(file, groups, upstream.options, policy?.policy.maxBodyBytes ?? 0, source)
  for (const name of Object.keys(groups)) {
    if (routes.every(({ to }) => to !== name)) notes.push(`no route leads to group ${name}`)
  }

  const secure = listeners.find(({ certificates }) => certificates !== null)
  const redirectToPort = redirectOf(file, listeners, secure, source)
  if (file.hsts !== undefined && secure === undefined && !place?.tls)
    source.refuse(['hsts'], file.hsts, 'no listener speaks TLS', 'beside tls')
  const spoolDir = file.spoolDir === undefined ? null : source.locate(['spoolDir'], file.spoolDir)
  const unfit = upstream.options.spoolMaxBytes === 0 ? null : await source.files.folder(spoolDir)
  if (unfit !== null) {
    const given = file.spoolDir ?? 'for temporary files'
    source.refuse(['spoolDir'], given, unfit, `a folder that can be written to, or ${flagOf('spoolMaxBytes')} off`)
  }
  if (problems.length > 0 || policy === null) throw new ConfigError(problems)

  const { clients = {} } = file
  const config: GatewayConfig = {
    ...settled(gatewayScope, file),
    routes,
    groups,
    redirectToPort,
    clients: {
      maxConnections: clients.maxConnections ?? 0,
      requestsPerSec: clients.requestsPerSec ?? 0,
      burst: clients.burst || (clients.requestsPerSec ?? 0),
    },
    spool: { dir: spoolDir, maxBytes: upstream.options.spoolMaxBytes },
  }
  const set = optionNames.filter((name) => isSet(policy.origins[name]) && policy.origins[name] !== 'preset')
  const input: PolicyInput = Object.fromEntries(set.map((name) => [name, policy.policy[name]]))
  return {
    from: path,
    config,
    listeners,
    serve: {
      ...input,
      globals: 'replace',
      ...(file.preset && { preset: file.preset as PresetName[] }),
      signals: false,
      [givenAs]: policyGiven(given, file),
    },
    resolved: policy,
    upstream,
    files: path === null ? source.read : [path, ...source.read],
    notes,
  }
}

function policyGiven({ layers, settings, nameOf }: GivenGateway, file: ReadFile): PolicySources {
  const values = Object.fromEntries(optionNames.map((name) => [name, file[name]]))
  return {
    layers: [...layers.map(ofPolicy), { origin: 'option', values, nameOf: (option) => option }],
    ...(file.preset && { presets: file.preset, presetNamedAs: settings['preset'] ? nameOf('preset') : 'preset' }),
    nameOf: flagOf,
  }
}

const isPolicyOption = (name: string) => (optionNames as readonly string[]).includes(name)

const ofPolicy = (layer: Layer): Layer => ({
  origin: layer.origin,
  values: Object.fromEntries(Object.entries(layer.values).filter(([name]) => isPolicyOption(name))),
  nameOf: (option) => layer.nameOf(option),
})

function resolvePolicyOf(given: GivenGateway, file: ReadFile, problems: Problem[]): Resolved | null {
  try {
    const resolved = resolvePolicy(policyGiven(given, file))
    const { webSocketIdleTimeoutMs } = resolved.policy
    if (webSocketIdleTimeoutMs !== 0) {
      // Nobody would ping the client, and one that is only quiet would be closed.
      const why = 'a gateway puts no frame into a WebSocket'
      problems.push(
        problem(
          'webSocketIdleTimeoutMs',
          format('duration', webSocketIdleTimeoutMs),
          why,
          'upgradedIdleTimeoutMs, or this limit where the upstream runs on hangup',
        ),
      )
    }
    return resolved
  } catch (error) {
    if (!isConfigError(error)) throw error
    problems.push(...error.problems)
    return null
  }
}

function resolveUpstream({ layers }: GivenGateway, file: ReadFile, problems: Problem[]): GatewayPlan['upstream'] {
  const options = {} as Record<UpstreamOptionName, number>
  const origins = {} as Record<UpstreamOptionName, Layer['origin'] | 'default' | 'fitted'>
  const names = {} as Record<UpstreamOptionName, string>
  for (const name of upstreamOptionNames) {
    options[name] = Number(upstreamOptionSpecs[name].default)
    origins[name] = 'default'
    names[name] = name
    if (file[name] !== undefined) {
      options[name] = file[name]
      origins[name] = 'option'
    }
    for (const layer of layers.toReversed()) {
      const text = layer.values[name]
      if (text === undefined) continue
      const { kind } = upstreamOptionSpecs[name]
      const read = readOption(upstreamOptionSpecs[name], text)
      names[name] = layer.nameOf(name)
      if ('why' in read)
        problems.push(problem(names[name], text, read.why, acceptedOf(upstreamOptionSpecs[name], kind === 'count')))
      else {
        options[name] = read.value
        origins[name] = layer.origin
      }
    }
  }
  const { spoolBodyBytes, spoolMaxBytes } = options
  if (spoolBodyBytes > spoolMaxBytes) {
    if (origins.spoolBodyBytes === 'default') {
      options.spoolBodyBytes = spoolMaxBytes
      origins.spoolBodyBytes = 'fitted'
    } else if (origins.spoolMaxBytes === 'default') {
      options.spoolMaxBytes = spoolBodyBytes
      origins.spoolMaxBytes = 'fitted'
    } else {
      const why = `it is more than ${names.spoolMaxBytes} ${format('bytes', spoolMaxBytes)}, the size of the whole spool`
      problems.push(
        problem(names.spoolBodyBytes, format('bytes', spoolBodyBytes), why, `up to ${format('bytes', spoolMaxBytes)}`),
      )
    }
  }
  return { options, origins }
}
