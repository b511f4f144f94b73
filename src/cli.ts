#!/usr/bin/env node
/** The one command, under whichever runtime runs it: `node src/cli.ts serve`, `bun src/cli.ts serve`, `deno run -A src/cli.ts serve`. */
import process from 'node:process'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { overview } from './command/help.ts'
import { cannotStart, type Entry, exitFlushed, type Host, main, thisProcess } from './command/main.ts'
import { type CommandName, commands } from './command/settings.ts'
import { didYouMean } from './policy/spelling.ts'
import { version } from './version.ts'

const program = 'hangup'

/** Bun and Deno both claim to be Node as well, so they are asked first. */
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'

/** Each module by its name: what bundles this file, or makes one binary of it, has to see them. */
const { server, gateway, libc } = {
  node: {
    server: (): Promise<Pick<Entry, 'serve' | 'engineOf'>> => import('../runtimes/node/index.ts'),
    gateway: () => import('../runtimes/node/gateway.ts'),
    libc: () => import('../runtimes/node/libc.ts'),
  },
  bun: {
    server: (): Promise<Pick<Entry, 'serve' | 'engineOf'>> => import('../runtimes/bun/index.ts'),
    gateway: () => import('../runtimes/bun/gateway.ts'),
    libc: () => import('../runtimes/bun/libc.ts'),
  },
  deno: {
    server: (): Promise<Pick<Entry, 'serve' | 'engineOf'>> => import('../runtimes/deno/index.ts'),
    gateway: () => import('../runtimes/deno/gateway.ts'),
    libc: () => import('../runtimes/deno/libc.ts'),
  },
}[runtime]

/** This file; null: the program is one binary, which takes the command's arguments itself. */
const ownFile = isOneBinary() ? null : fileURLToPath(import.meta.url)

/** What a command needs is loaded for it alone. */
const run: Record<CommandName, (argv: readonly string[], host: Host) => Promise<void>> = {
  serve: async (argv, host) => main({ ...(await server()), runtime, program: `${program} serve` }, { ...host, argv }),
  gateway: async (argv, host) => {
    const { gatewayCommand } = await import('./gateway/command.ts')
    await gatewayCommand({ runtime, program: `${program} gateway`, load: gateway }, { ...host, argv })
  },
  probe: async (argv, host) => (await import('./probe/command.ts')).probeCommand(argv, { ...host, exit: exitFlushed }),
  rescue: async (argv, host) => {
    const [{ rescueCommand }, { loadLibc }, { rescueElsewhere }] = await Promise.all([
      import('./rescue/command.ts'),
      libc(),
      import('../runtimes/rescue-elsewhere.ts'),
    ])
    await rescueCommand(
      {
        runtime,
        program: `${program} rescue`,
        loadLibc,
        elsewhere: (argv) => (ownFile === null ? null : rescueElsewhere(ownFile, argv)),
        interactive: isatty(0) && isatty(1),
        serve: async (app, options) => (await server()).serve(app, options),
        again: [process.execPath, ...(ownFile === null ? [] : [...(runtime === 'deno' ? ['run', '-A'] : []), ownFile])],
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

/** Made by `bun build --compile` or `deno compile`. */
function isOneBinary(): boolean {
  const { Deno } = globalThis as { Deno?: { readonly build: { readonly standalone: boolean } } }
  return Deno?.build.standalone ?? /[/\\](\$bunfs|~BUN)[/\\]/.test(import.meta.url)
}
