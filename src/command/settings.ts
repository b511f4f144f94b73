/**
 * What a server needs beside the policy: one schema, from which flags, variables and `--help`
 * follow as they do for the policy. Imports no runtime, so that a Worker reads its variables with
 * it too.
 */
import * as v from 'valibot'
import { adminSecrets, adminSettings } from '../admin/settings.ts'
import { clusterSettings } from '../cluster/settings.ts'
import { gatewayEntries, gatewaySecrets } from '../gateway/config/flags.ts'
import { upstreamOptionNames } from '../gateway/config/settings/limits.ts'
import { logSettings } from '../log/settings.ts'
import { optionNames, optionSpecs } from '../policy/policy.ts'
import { presetNames } from '../policy/presets.ts'
import { type Problem, problem } from '../policy/problems.ts'
import type { Layer } from '../policy/resolve.ts'
import { type Entries, onOff, type Read, type SettingSpec, setting, specOf } from '../policy/setting.ts'
import { didYouMean, flagOf, variableOf, variablePrefix } from '../policy/spelling.ts'
import { compareEntries, probeEntries } from '../probe/settings.ts'
import { rescueEntries } from '../rescue/settings.ts'
import { engineChoices } from '../serve/choose-engine.ts'
import type { EngineChoice } from '../serve/contract.ts'
import { healthPathAccepted, isHealthPath } from '../serve/health-path.ts'
import { topEntries } from '../top/settings.ts'
import { whyEntries } from '../why/settings.ts'
import type { Env } from './env.ts'
import { type ReportKind, reportKinds } from './report-kind.ts'
import { isServiceLink } from './service-links.ts'

const entries = {
  app: setting(
    {
      value: 'file',
      what: 'Module whose default export is a Hono app, has a fetch method or is a fetch function; relative to the working directory.',
      default: 'a small built-in app',
      accepted: 'a path to a module',
      mayBeArgument: true,
    },
    (text) => text,
  ),
  watch: onOff(
    'Starts the server anew after each change of the app’s module and of what it imports, with a drain; what does not load changes nothing.',
  ),
  ...clusterSettings,
  port: setting(
    {
      value: 'number',
      what: 'TCP port to listen on; 0 takes a free one.',
      default: '3000',
      accepted: 'a port number, 0 to 65535',
      elseVariable: 'PORT',
    },
    (text, refuse) =>
      /^\d{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : refuse(`${text} is not a port number`),
  ),
  host: setting(
    {
      value: 'address',
      what: 'Address to listen on.',
      default: 'all interfaces',
      accepted: 'an address or a host name',
    },
    (text) => text,
  ),
  tlsCert: setting(
    {
      value: 'file',
      what: 'Certificate chain (PEM). With it and its key the server speaks TLS only.',
      default: 'no TLS',
      accepted: 'a path to a PEM file',
    },
    (text) => text,
  ),
  tlsKey: setting(
    { value: 'file', what: 'Private key (PEM).', default: 'no TLS', accepted: 'a path to a PEM file' },
    (text) => text,
  ),
  preset: setting(
    {
      value: 'names',
      what: `What stands in front of the server, several with commas: ${presetNames.join(', ')}.`,
      default: 'internet',
      accepted: presetNames.join(', '),
    },
    (text) => text.split(',').map((name) => name.trim()),
  ),
  engine: setting(
    {
      value: engineChoices.join('|'),
      what: 'What speaks HTTP: the runtime’s own server, or the engine of hangup on its sockets; auto: native where it holds the whole policy and loses no request.',
      default: 'auto',
      accepted: engineChoices.join(', '),
    },
    (text, refuse): EngineChoice =>
      engineChoices.find((choice) => choice === text) ??
      refuse(`${text} is not an engine${didYouMean(text, engineChoices)}`),
  ),
  globals: setting(
    {
      value: 'replace|keep',
      what: 'Whether a faster Response stands in the place of the global one (hangup engine, and Node’s native one).',
      default: 'replace',
      accepted: 'replace, keep',
    },
    (text, refuse): 'replace' | 'keep' =>
      text === 'replace' || text === 'keep' ? text : refuse(`${text} is neither replace nor keep`),
  ),
  unix: setting(
    {
      value: 'path',
      what: 'Unix socket to listen on instead of a TCP port (hangup engine).',
      default: 'TCP',
      accepted: 'a path',
    },
    (text) => text,
  ),
  ...adminSettings,
  healthPath: setting(
    {
      value: 'path',
      what: 'Path that is answered before the app: 200 while the server is ready, 503 from the first moment of a drain.',
      default: 'none',
      accepted: healthPathAccepted,
    },
    (text, refuse) => (isHealthPath(text) ? text : refuse(`${text} is not a path`)),
  ),
  report: setting(
    {
      value: reportKinds.join('|'),
      what: 'What is printed when the server listens.',
      default: 'text',
      accepted: reportKinds.join(', '),
    },
    (text, refuse): ReportKind =>
      reportKinds.find((kind) => kind === text) ?? refuse(`${text} is not a report${didYouMean(text, reportKinds)}`),
  ),
  ...logSettings,
} as const

const withSecrets = { ...entries, ...adminSecrets } as const

export type Settings = Read<typeof withSecrets>
export type SettingName = keyof typeof entries
export const settingNames = Object.keys(entries) as readonly SettingName[]
export const settingSpecs = Object.fromEntries(settingNames.map((name) => [name, specOf(entries, name)])) as Readonly<
  Record<SettingName, SettingSpec>
>

export interface Command {
  readonly what: string
  /** What it takes beside the policy. */
  readonly settings: Entries
  /** Names of settings and policy options: each a flag and a variable. */
  readonly takes: readonly string[]
  /** What has a variable and no flag, because others on the machine can read a command line. */
  readonly secrets?: Entries
  /** What its variables begin with. Default: `HANGUP_`. */
  readonly variables?: string
  /** Above its settings and above the policy's options in `--help`. */
  readonly headings?: { readonly settings: string; readonly policy?: string }
  /** Command lines that show it, at the end of `--help`. */
  readonly examples?: readonly string[]
  /** What its exit status says. */
  readonly status?: string
}

/** Every command and what it takes: a variable that one of them knows is no mistake in another. */
export const commands = {
  serve: {
    what: 'Serves an app under the connection policy.',
    settings: entries,
    takes: [...settingNames, ...optionNames],
    secrets: adminSecrets,
  },
  gateway: {
    what: 'A reverse proxy in front of a server that can’t be changed: hangs up for it, buffers, balances, speaks TLS.',
    settings: gatewayEntries,
    takes: [...Object.keys(gatewayEntries), ...optionNames, ...upstreamOptionNames],
    secrets: gatewaySecrets,
    headings: { settings: 'Gateway' },
  },
  probe: {
    what: 'Asks any HTTP server whether it hangs up: which limits it holds, which it lacks, and what that costs.',
    settings: probeEntries,
    takes: [...Object.keys(probeEntries), ...optionNames],
    variables: `${variablePrefix}PROBE_`,
    headings: { settings: 'Probe', policy: 'What the server is expected to hold (else it is measured)' },
    examples: [
      'hangup probe http://127.0.0.1:8000',
      'hangup probe http://127.0.0.1:8000 --expect idle-timeout=5s --junit report.xml',
      'hangup probe http://127.0.0.1:8000 --behind aws-alb',
      'hangup probe http://127.0.0.1:8000 --case idle-,case.json',
      'hangup probe --healthz http://127.0.0.1:8000/healthz',
    ],
    status: '0: everything held; 1: something failed; 2: it could not run (nothing listens, a wrong flag).',
  },
  rescue: {
    what: 'Closes the idle connections of a running process that has run out of descriptors or workers, without a restart (Linux).',
    settings: rescueEntries,
    takes: Object.keys(rescueEntries),
    variables: `${variablePrefix}RESCUE_`,
    headings: { settings: 'Rescue' },
  },
  top: {
    what: 'Shows who is connected to a server with --admin: each connection, its state, what closes it and when.',
    settings: topEntries,
    takes: Object.keys(topEntries),
    variables: `${variablePrefix}TOP_`,
    headings: { settings: 'Top' },
    examples: ['hangup top', 'hangup top --admin unix:/run/admin.sock', 'hangup top --json | jq .summary.states'],
    status: '0: done; 2: it could not run (nobody listens, a wrong flag); 128 + n: ended by a signal.',
  },
  why: {
    what: 'Tells what happened to a client, and why its connection ended, out of what a server with --admin has recorded.',
    settings: whyEntries,
    takes: Object.keys(whyEntries),
    variables: `${variablePrefix}WHY_`,
    headings: { settings: 'Why' },
    examples: [
      'hangup why',
      'hangup why 10.0.0.7',
      'hangup why 17 --save case.json',
      'hangup probe http://127.0.0.1:3000 --case case.json',
    ],
    status:
      '0: told; 1: there is no such connection, or no case of it; 2: it could not run (nobody listens, a wrong flag).',
  },
  compare: {
    what: 'Compares reports of hangup probe: cases × servers.',
    settings: compareEntries,
    takes: Object.keys(compareEntries),
    variables: `${variablePrefix}COMPARE_`,
    headings: { settings: 'Compare' },
  },
} as const satisfies Record<string, Command>
export type CommandName = keyof typeof commands

/** The many values of one variable. */
const lines = (text: string): string => text.trim().split(/\s+/).join('\n')

/** What was written in one place, by option name, before anything is made of it. */
export interface Written {
  readonly origin: Layer['origin']
  readonly values: Readonly<Record<string, string>>
  nameOf(option: string): string
}

/**
 * The variables of one command. An empty one counts as not set, as `VAR= command` is commonly
 * meant; a `HANGUP_` name that no command knows is a problem, because a misspelt limit is no limit.
 * Those of a Kubernetes Service are not ours.
 */
export function readEnvironment(
  env: Env,
  command: CommandName = 'serve',
  all: Readonly<Record<string, Command>> = commands,
): { written: Written; problems: Problem[] } {
  const { takes = [], settings = {}, variables }: Partial<Command> = all[command] ?? {}
  const known = new Set(
    Object.values(all).flatMap((one) => namesOf(one).map((option) => variableOf(option, one.variables))),
  )
  const mine = new Map(namesOf(all[command]).map((option) => [variableOf(option, variables), option]))
  const values: Record<string, string> = {}
  const names: Record<string, string> = {}
  const problems: Problem[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(variablePrefix) || typeof value !== 'string' || value === '') continue
    if (isServiceLink(variable, value)) continue
    const option = mine.get(variable)
    if (option !== undefined) values[option] = specOf(settings, option)?.isRepeatable ? lines(value) : value
    else if (!known.has(variable)) {
      problems.push(problem(variable, value, `there is no such variable${didYouMean(variable, [...known])}`, ''))
    }
  }
  for (const name of takes) {
    const elseVariable = specOf(settings, name)?.elseVariable
    if (!elseVariable || name in values) continue
    const value = env[elseVariable]
    if (typeof value !== 'string' || value === '') continue
    values[name] = value
    names[name] = elseVariable
  }
  return {
    written: { origin: 'environment', values, nameOf: (option) => names[option] ?? variableOf(option, variables) },
    problems,
  }
}

const namesOf = ({ takes = [], secrets = {} }: Partial<Command> = {}): readonly string[] => [
  ...takes,
  ...Object.keys(secrets),
]

/**
 * The settings out of what was written, the first that has one winning, and how each was written.
 */
export function resolveSettings(
  places: readonly Written[],
  problems: Problem[],
): { settings: Settings; nameOf(setting: keyof Settings): string } {
  return resolveEntries(withSecrets, places, problems)
}

/** The same for the settings of any command. */
export function resolveEntries<E extends Entries>(
  ofCommand: E,
  places: readonly Written[],
  problems: Problem[],
): { settings: Read<E>; nameOf(setting: keyof E & string): string } {
  const settings: Record<string, unknown> = {}
  const names: Record<string, string> = {}
  for (const place of places.toReversed()) {
    for (const [name, entry] of Object.entries(ofCommand)) {
      const value = place.values[name]
      if (value === undefined) continue
      names[name] = place.nameOf(name)
      const read = v.safeParse(entry, value)
      if (read.success) settings[name] = read.output
      else problems.push(problem(place.nameOf(name), value, read.issues[0].message, specOf(ofCommand, name)!.accepted))
    }
  }
  return { settings: settings as Read<E>, nameOf: (name) => names[name] ?? flagOf(name) }
}

/** What was written of the policy, as `resolvePolicy` takes it. */
export function policyLayer({ origin, values, nameOf }: Written): Layer {
  const ofPolicy = Object.entries(values).filter(([name]) => Object.hasOwn(optionSpecs, name))
  return { origin, values: Object.fromEntries(ofPolicy), nameOf }
}
