/**
 * Every command, and the dispatch to the one that was asked for: the only file that knows them all.
 */
import process from 'node:process'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { here } from '../runtimes/here.ts'
import { loadRuntime, runtimes } from '../runtimes/registry.ts'
import { overview } from './command/help.ts'
import { cannotStart, exitFlushed, type Host, thisProcess } from './command/host.ts'
import { entryOf, main } from './command/main.ts'
import { type CommandName, commands } from './command/settings.ts'
import { didYouMean } from './policy/spelling.ts'
import { serveOn } from './serve/start.ts'
import { version } from './version.ts'

const program = 'hangup'

/** `ownFile`: the program's; null: it is one binary, which takes the command's arguments itself. */
type Run = (argv: readonly string[], host: Host, ownFile: string | null) => Promise<void>

/** What a command needs is loaded for it alone. */
const run: Record<CommandName, Run> = {
  serve: async (argv, host, ownFile) => {
    const again: readonly [string, ...string[]] = [...programAgain(ownFile), 'serve', ...argv]
    await main({ ...entryOf(await loadRuntime()), program: `${program} serve`, again }, { ...host, argv })
  },
  gateway: async (argv, host, ownFile) => {
    const { gatewayCommand } = await import('./gateway/command.ts')
    const load = async () => {
      const [{ gatewayOn }, runtime] = await Promise.all([import('./gateway/downstream/serve.ts'), loadRuntime()])
      return { gateway: gatewayOn(runtime) }
    }
    const command: readonly [string, ...string[]] = [...programAgain(ownFile), 'gateway', ...argv]
    const again = { command, sides: await loadRuntime() }
    await gatewayCommand({ runtime: here, program: `${program} gateway`, load, again }, { ...host, argv })
  },
  probe: async (argv, host) => (await import('./probe/command.ts')).probeCommand(argv, { ...host, exit: exitFlushed }),
  rescue: async (argv, host, ownFile) => {
    const [{ rescueCommand }, { rescueElsewhere }, runtime] = await Promise.all([
      import('./rescue/command.ts'),
      import('../runtimes/rescue-elsewhere.ts'),
      loadRuntime(),
    ])
    await rescueCommand(
      {
        runtime: here,
        program: `${program} rescue`,
        loadLibc: runtime.loadLibc,
        elsewhere: (argv) => (ownFile === null ? null : rescueElsewhere(ownFile, argv)),
        interactive: isatty(0) && isatty(1),
        serve: (app, options) => serveOn(runtime, app, options),
        again: programAgain(ownFile),
      },
      { ...host, argv },
    )
  },
  top: async (argv, host) => {
    const { topCommand } = await import('./top/command.ts')
    await topCommand(argv, { ...host, exit: exitFlushed }, isatty(0) && isatty(1))
  },
  why: async (argv, host) => (await import('./why/command.ts')).whyCommand(argv, { ...host, exit: exitFlushed }),
  compare: async (argv, host) =>
    (await import('./probe/reports/compare.ts')).compareCommand(argv, { ...host, exit: exitFlushed }),
}

const programAgain = (ownFile: string | null): readonly [string, ...string[]] => [
  process.execPath,
  ...(ownFile === null ? [] : [...runtimes[here].before, ownFile]),
]

/** `url`: the `import.meta.url` of the program. */
export async function dispatch(url: string): Promise<void> {
  const [command, ...argv] = thisProcess.argv
  const ownFile = isOneBinary(url) ? null : fileURLToPath(url)
  if (command === '--help' || command === '-h') thisProcess.out(overview(program, thisProcess.columns))
  else if (command === '--version' || command === '-v') thisProcess.out(`${program} ${version} on ${here}\n`)
  else if (command !== undefined && Object.hasOwn(run, command)) {
    await run[command as CommandName](argv, thisProcess, ownFile)
  } else {
    const wrong =
      command === undefined
        ? 'a command is missing'
        : `there is no command ${command}${didYouMean(command, [...Object.keys(commands), '--help', '--version'])}`
    thisProcess.err(`${program}: ${wrong}\n\n${overview(program, thisProcess.columns)}`)
    thisProcess.exit(cannotStart)
  }
}

/** Made by `bun build --compile` or `deno compile`. */
function isOneBinary(url: string): boolean {
  const { Deno } = globalThis as { Deno?: { readonly build: { readonly standalone: boolean } } }
  return Deno?.build.standalone ?? /[/\\](\$bunfs|~BUN)[/\\]/.test(url)
}
