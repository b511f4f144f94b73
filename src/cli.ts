/** The one command, under whichever runtime runs it: `node src/cli.ts serve`, `bun src/cli.ts serve`, `deno run -A src/cli.ts serve`. */
import { cannotStart, type Entry, main, thisProcess, version } from './command.ts'
import { overview } from './help.ts'
import { didYouMean } from './names.ts'
import { commands } from './settings.ts'

const program = 'hangup'

/** Bun and Deno both claim to be Node as well, so they are asked first. */
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'

const [command, ...argv] = thisProcess.argv
switch (command) {
  case 'serve': {
    const { serve }: Pick<Entry, 'serve'> = await import(`../runtimes/${runtime}.ts`)
    await main({ runtime, serve, program: `${program} serve` }, { ...thisProcess, argv })
    break
  }
  case '--help':
  case '-h':
    thisProcess.out(overview(program, thisProcess.columns))
    break
  case '--version':
  case '-v':
    thisProcess.out(`${program} ${version} on ${runtime}\n`)
    break
  default: {
    const wrong =
      command === undefined
        ? 'a command is missing'
        : `there is no command ${command}${didYouMean(command, Object.keys(commands))}`
    thisProcess.err(`${program}: ${wrong}\n\n${overview(program, thisProcess.columns)}`)
    thisProcess.exit(cannotStart)
  }
}
