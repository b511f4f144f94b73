/** The one command, under whichever runtime runs it: `node src/cli.ts serve`, `bun src/cli.ts serve`, `deno run -A src/cli.ts serve`. */
import process from 'node:process'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { overview } from './command/help.ts'
import { cannotStart, type Entry, exitFlushed, type Host, main, thisProcess, version } from './command/main.ts'
import { type CommandName, commands } from './command/settings.ts'
import { didYouMean } from './policy/spelling.ts'

const program = 'hangup'

/** Bun and Deno both claim to be Node as well, so they are asked first. */
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'

/** What a command needs is loaded for it alone. */
const run: Record<CommandName, (argv: readonly string[], host: Host) => Promise<void>> = {
  serve: async (argv, host) => {
    const entry: Pick<Entry, 'serve' | 'engineOf'> = await import(`../runtimes/${runtime}.ts`)
    await main({ ...entry, runtime, program: `${program} serve` }, { ...host, argv })
  },
  gateway: async (argv, host) => {
    const { gatewayCommand } = await import('./gateway/command.ts')
    await gatewayCommand(
      { runtime, program: `${program} gateway`, load: () => import(`../runtimes/${runtime}/gateway.ts`) },
      { ...host, argv },
    )
  },
  probe: async (argv, host) => (await import('./probe/command.ts')).probeCommand(argv, { ...host, exit: exitFlushed }),
  rescue: async (argv, host) => {
    const [{ rescueCommand }, { loadLibc }, { rescueElsewhere }] = await Promise.all([
      import('./rescue/command.ts'),
      import(`../runtimes/${runtime}/libc.ts`),
      import('../runtimes/rescue-elsewhere.ts'),
    ])
    await rescueCommand(
      {
        runtime,
        program: `${program} rescue`,
        loadLibc,
        elsewhere: rescueElsewhere,
        interactive: isatty(0) && isatty(1),
        serve: async (app, options) => (await import(`../runtimes/${runtime}.ts`)).serve(app, options),
        again: [process.execPath, ...(runtime === 'deno' ? ['run', '-A'] : []), fileURLToPath(import.meta.url)],
      },
      { ...host, argv },
    )
  },
  compare: async (argv, host) =>
    (await import('./probe/reports/compare.ts')).compareCommand(argv, { ...host, exit: exitFlushed }),
}

const [command, ...argv] = thisProcess.argv
if (command === '--help' || command === '-h') thisProcess.out(overview(program, thisProcess.columns))
else if (command === '--version' || command === '-v') thisProcess.out(`${program} ${version} on ${runtime}\n`)
else if (command !== undefined && Object.hasOwn(run, command)) await run[command as CommandName](argv, thisProcess)
else {
  const wrong =
    command === undefined
      ? 'a command is missing'
      : `there is no command ${command}${didYouMean(command, Object.keys(commands))}`
  thisProcess.err(`${program}: ${wrong}\n\n${overview(program, thisProcess.columns)}`)
  thisProcess.exit(cannotStart)
}
