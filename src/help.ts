/** `--help`, from the schemas. */
import { readable, wrap } from './columns.ts'
import { flagOf, variablePrefix } from './names.ts'
import { optionNames, optionSpecs } from './policy.ts'
import { type CommandName, commands, settingNames, settingSpecs } from './settings.ts'
import { format, type Kind } from './units.ts'

const placeholder: Record<Kind, string> = { duration: 'duration', bytes: 'size', rate: 'rate', count: 'number' }

/** `program`: how the command was started, `node src/cli.ts serve`. */
export function help(command: CommandName, program: string, columns = 80): string {
  const width = readable(columns)
  const takes: readonly string[] = commands[command].takes
  const settings = settingNames
    .filter((name) => takes.includes(name))
    .map((name) => {
      const { value, what, default: preset, elseVariable } = settingSpecs[name]
      const before = elseVariable ? `${elseVariable}, else ` : ''
      return { left: `${flagOf(name)} <${value}>`, right: `${what} Default: ${before}${preset}.` }
    })
  const policy = optionNames
    .filter((name) => takes.includes(name))
    .map((name) => {
      const { kind, default: value, what } = optionSpecs[name]
      const shown = value === 'derived' ? '' : ` Default: ${format(kind, value)}.`
      return { left: `${flagOf(name)} <${placeholder[kind]}>`, right: `${asFlags(what)}${shown}` }
    })
  return [
    `Usage: ${program} [flags]`,
    '',
    ...wrap(commands[command].what, width),
    ...section('Server', settings, width),
    ...section('Connection policy, in the order of a connection’s life', policy, width),
    '',
    ...wrap(
      `Durations (250ms, 5s, 2m, 1h), sizes (64kb, 1mb, 2gb) and rates (240b/s) need their unit; 0 is off. Each flag is a ` +
        `variable too, --idle-timeout is ${variablePrefix}IDLE_TIMEOUT; a flag wins over a variable, both over a preset.`,
      width,
    ),
    '',
  ].join('\n')
}

/** Where one option's text speaks of another, the reader knows that by its flag. */
function asFlags(text: string): string {
  return text.replace(/\b[a-z]+[A-Z]\w+/g, (name) => (Object.hasOwn(optionSpecs, name) ? flagOf(name) : name))
}

/** `hangup --help`. */
export function overview(program: string, columns = 80): string {
  const rows = Object.entries(commands).map(([name, { what }]) => ({ left: name, right: what }))
  return [
    `Usage: ${program} <command> [flags]`,
    ...section('Commands', rows, readable(columns)),
    '',
    `${program} <command> --help lists its flags.`,
    '',
  ].join('\n')
}

function section(title: string, rows: readonly { left: string; right: string }[], width: number): string[] {
  const left = Math.max(...rows.map((row) => row.left.length)) + 4
  const lines = rows.flatMap((row) =>
    wrap(row.right, width - left).map((line, index) => `${(index === 0 ? `  ${row.left}` : '').padEnd(left)}${line}`),
  )
  return ['', `${title}:`, ...lines]
}
