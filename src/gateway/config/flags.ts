/** The flags of `hangup gateway`: its own, and one for each setting of the file that has a flag. */
import { adminSecrets, adminSettings } from '../../admin/settings.ts'
import { clusterSettings } from '../../cluster/settings.ts'
import { logSettings } from '../../log/settings.ts'
import { setting as commandSetting, type Entries, onOff, type Read } from '../../policy/setting.ts'
import { choice } from './kinds.ts'
import { fileSettings, pathText, type ReadFile } from './schema.ts'
import type { Setting, Table } from './setting.ts'
import type { Keys } from './source.ts'

/** What is about the command itself. */
const commandEntries = {
  config: commandSetting(
    {
      value: 'file',
      what: 'Configuration file (.ts, .js, .json), for routes and groups.',
      default: 'hangup.config.ts or .json in the working directory, unless --to is given',
      accepted: 'a path to a file',
    },
    (text) => text,
  ),
  check: onOff('Validates the configuration, prints what would run, and exits: 0, or 2 if it could not run.'),
  ...clusterSettings,
  ...adminSettings,
  report: commandSetting(
    {
      value: 'text|json|none',
      what: 'What is printed when the gateway listens, and by --check.',
      default: 'text',
      accepted: 'text, json, none',
    },
    choice(['text', 'json', 'none']).asFlag!.read,
  ),
  ...logSettings,
} as const

/** A setting of the file as a flag. */
interface FileFlag {
  /** Where in the file it stands; `*`: with its n-th value in the n-th object of a list. */
  readonly keys: readonly string[]
  readonly setting: Setting
}

const fileFlags: ReadonlyMap<string, FileFlag> = new Map(flagsIn(fileSettings, []))

function flagsIn(table: Table, around: readonly string[]): [string, FileFlag][] {
  return Object.entries(table).flatMap(([name, setting]): [string, FileFlag][] => {
    const keys = [...around, name]
    const { spec, inside } = setting
    const own: [string, FileFlag][] = spec.flag === undefined ? [] : [[spec.flag, { keys, setting }]]
    if (inside === undefined || inside.flagsOf === 'none') return own
    return [...own, ...flagsIn(inside.table, inside.flagsOf === 'each' ? [...keys, '*'] : keys)]
  })
}

/** A switch that turns off what is on by default. */
const isNegated = ({ preset }: Setting) => preset === true

function entryOf({ keys, setting }: FileFlag): Entries[string] {
  const { spec, kind } = setting
  const { value, accepted = kind.accepted, repeats, read } = kind.asFlag!
  const isSwitch = value === ''
  const isRepeatable = repeats || keys.includes('*')
  const shown = {
    value,
    what: plain(isNegated(setting) ? `Turns off: ${lowerFirst(spec.what)}` : spec.what),
    default: isSwitch ? 'no' : spec.shown,
    accepted,
    ...(spec.elseVariable !== undefined && { elseVariable: spec.elseVariable }),
    ...(isSwitch && { isSwitch }),
    ...(isRepeatable && { isRepeatable }),
  }
  return commandSetting(shown, (text, refuse): unknown => {
    if (keys.includes('*')) return text.split('\n').map((line) => read(line, refuse))
    const said = read(text, refuse)
    return isNegated(setting) ? !said : said
  })
}

/** Without the marks of Markdown, for a terminal. */
const plain = (text: string): string => text.replaceAll('`', '')

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

export const gatewayEntries: typeof commandEntries & Entries = {
  ...commandEntries,
  ...Object.fromEntries([...fileFlags].map(([name, flag]) => [name, entryOf(flag)])),
}

/** Variables without a flag. */
export const gatewaySecrets = adminSecrets
export const withSecrets: typeof gatewayEntries & typeof gatewaySecrets = { ...gatewayEntries, ...gatewaySecrets }

/** What flags and variables said: of the command, and by the flag's name of the file. */
export type GatewaySettings = Read<typeof commandEntries & typeof gatewaySecrets> & { readonly [flag: string]: unknown }

/**
 * Flags and variables in the shape of the file, over it, and how each of them was written. Of
 * several listeners they speak of the first.
 */
export function overlay(
  file: ReadFile,
  settings: GatewaySettings,
  nameOf: (setting: string) => string,
): { file: ReadFile; names: ReadonlyMap<string, string> } {
  const names = new Map<string, string>()
  let over = file as unknown as Tree
  const write = (keys: Keys, value: unknown, flag: string) => {
    names.set(pathText(keys), nameOf(flag))
    over = withValue(over, keys, value)
  }
  const replaced = new Set<string>()
  for (const [flag, { keys }] of fileFlags) {
    const value = settings[flag]
    if (value === undefined) continue
    const isOfList = keys[0] === 'listen' && Array.isArray(file.listen)
    const path: Keys = isOfList ? ['listen', 0, ...keys.slice(1)] : keys
    const each = path.indexOf('*')
    if (each < 0) {
      write(path, value, flag)
      continue
    }
    const list = path.slice(0, each)
    // The flags take the place of the whole list.
    if (!replaced.has(pathText(list))) write(list, [], flag)
    replaced.add(pathText(list))
    for (const [index, one] of (value as readonly unknown[]).entries())
      write([...list, index, ...path.slice(each + 1)], one, flag)
  }
  return { names, file: over as unknown as ReadFile }
}

type Tree = { readonly [Key in string | number]?: unknown }

function withValue(tree: Tree | undefined, [first, ...rest]: Keys, value: unknown): Tree {
  const inner = rest.length === 0 ? value : withValue(tree?.[first!] as Tree | undefined, rest, value)
  if (!Array.isArray(tree)) return { ...tree, [first!]: inner }
  const list = [...tree]
  list[Number(first)] = inner
  return list as unknown as Tree
}
