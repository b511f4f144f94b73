/**
 * From a configuration file, flags and variables to what a gateway runs by. Flags win over variables, both over the file, all
 * over defaults; what the top of the file or a flag says in general gives way to what a group or a route says for itself.
 */

import type { Read } from '../../command/setting.ts'
import { acceptedOf, readOption } from '../../policy/option.ts'
import { optionNames, type PolicyInput } from '../../policy/policy.ts'
import type { PresetName } from '../../policy/presets.ts'
import { ConfigError, type Problem, problem } from '../../policy/problems.ts'
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
import { groupsOf } from '../upstream/groups.ts'
import type { GatewayConfig } from './config.ts'
import {
  type UpstreamOptionName,
  type UpstreamOptions,
  upstreamOptionNames,
  upstreamOptionSpecs,
  upstreamSchema,
} from './options.ts'
import { routesOf } from './routes.ts'
import { pathText, type ReadFile } from './schema.ts'
import type { gatewayEntries } from './settings.ts'
import { type Keys, type Origin, Source } from './source.ts'

export type GatewaySettings = Read<typeof gatewayEntries>

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
  /** What is no mistake and still worth a line. */
  readonly notes: readonly string[]
}

export interface GivenGateway extends Origin {
  readonly file: ReadFile
  readonly settings: GatewaySettings
  nameOf(setting: keyof GatewaySettings): string
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

  const { tlsCert = [], tlsKey = [] } = settings
  if (tlsKey.length > tlsCert.length) {
    const why = `it needs ${flagOf('tlsCert')} beside it`
    problems.push(problem(nameOf('tlsKey'), tlsKey[tlsCert.length], why, ''))
  }

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
    source.refuse(['hsts'], file.hsts, 'nothing here speaks TLS', 'beside tls')
  const spoolDir = file.spoolDir === undefined ? null : source.locate(['spoolDir'], file.spoolDir)
  const unfit = upstream.options.spoolMaxBytes === 0 ? null : await source.files.folder(spoolDir)
  if (unfit !== null) {
    const given = file.spoolDir ?? 'for temporary files'
    source.refuse(['spoolDir'], given, unfit, `a folder that can be written to, or ${flagOf('spoolMaxBytes')} off`)
  }
  if (problems.length > 0 || policy === null) throw new ConfigError(problems)

  const { clients = {} } = file
  const config: GatewayConfig = {
    routes,
    groups,
    trust: file.trust ?? [],
    pseudonym: file.pseudonym ?? 'hangup',
    reasonHeader: file.reasonHeader ?? true,
    redirectToPort,
    hsts: file.hsts ?? null,
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

/** Where in the file stands what a setting says. Those that are not here are about the command itself. */
const keysOf: Readonly<Partial<Record<keyof GatewaySettings, readonly string[]>>> = {
  to: ['to'],
  port: ['listen', 'port'],
  host: ['listen', 'host'],
  unix: ['listen', 'unix'],
  tlsCert: ['listen', 'tls'],
  http2: ['listen', 'http2'],
  proxyProtocol: ['listen', 'proxyProtocol', 'trust'],
  redirectHttp: ['redirectHttp'],
  redirectToPort: ['redirectToPort'],
  hsts: ['hsts'],
  trust: ['trust'],
  balance: ['balance'],
  checkPath: ['check', 'path'],
  buffer: ['buffer'],
  hostHeader: ['hostHeader'],
  upgrades: ['upgrades'],
  compress: ['compress'],
  clientMaxConnections: ['clients', 'maxConnections'],
  clientRequestsPerSec: ['clients', 'requestsPerSec'],
  clientBurst: ['clients', 'burst'],
  spoolDir: ['spoolDir'],
  pseudonym: ['pseudonym'],
  noReasonHeader: ['reasonHeader'],
  engine: ['engine'],
  preset: ['preset'],
}

/** Flags and variables in the shape of the file, over it; and how each of them was written. Of several listeners they speak of the first. */
function overlay(
  file: ReadFile,
  settings: GatewaySettings,
  nameOf: GivenGateway['nameOf'],
): { file: ReadFile; names: ReadonlyMap<string, string> } {
  const names = new Map<string, string>()
  let over: Tree = file as unknown as Tree
  for (const [setting, keys] of Object.entries(keysOf) as [keyof GatewaySettings, readonly string[]][]) {
    if (settings[setting] === undefined) continue
    const isOfList = keys[0] === 'listen' && Array.isArray(file.listen)
    const path = isOfList ? ['listen', 0, ...keys.slice(1)] : keys
    names.set(pathText(path), nameOf(setting))
    over = withValue(over, path, written(setting, settings))
    if (setting !== 'tlsCert') continue
    for (const index of settings.tlsKey?.keys() ?? []) names.set(pathText([...path, index, 'key']), nameOf('tlsKey'))
  }
  return { names, file: over as unknown as ReadFile }
}

function written(setting: keyof GatewaySettings, settings: GatewaySettings): unknown {
  const { tlsCert = [], tlsKey = [], noReasonHeader } = settings
  if (setting === 'noReasonHeader') return !noReasonHeader
  if (setting === 'tlsCert') return tlsCert.map((cert, index) => ({ cert, key: tlsKey[index] ?? '' }))
  return settings[setting]
}

type Tree = { readonly [Key in string | number]?: unknown }

function withValue(tree: Tree | undefined, [first, ...rest]: Keys, value: unknown): Tree {
  const inner = rest.length === 0 ? value : withValue(tree?.[first!] as Tree | undefined, rest, value)
  return Array.isArray(tree) ? (tree.with(Number(first), inner) as unknown as Tree) : { ...tree, [first!]: inner }
}

function policyGiven({ layers, settings, nameOf }: GivenGateway, file: ReadFile): PolicySources {
  const values = Object.fromEntries(optionNames.map((name) => [name, file[name]]))
  return {
    layers: [...layers.map(ofPolicy), { origin: 'option', values, nameOf: (option) => option }],
    ...(file.preset && { presets: file.preset, presetNamedAs: settings.preset ? nameOf('preset') : 'preset' }),
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
    return resolvePolicy(policyGiven(given, file))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
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
      const read = readOption(upstreamSchema.entries[name], text)
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
      const why = `it is more than ${names.spoolMaxBytes} ${format('bytes', spoolMaxBytes)}, which all messages share`
      problems.push(
        problem(names.spoolBodyBytes, format('bytes', spoolBodyBytes), why, `up to ${format('bytes', spoolMaxBytes)}`),
      )
    }
  }
  return { options, origins }
}
