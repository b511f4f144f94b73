/**
 * Servers that collect their garbage when they are asked to: what is resident then is what they
 * keep.
 */
import { commands, type Runtime } from './contenders.ts'
import { type Contender, commandOf, residentBytes, type Server } from './process.ts'

const loaded = './bench/servers/collecting.mjs'
const flags: Readonly<Record<Runtime, readonly string[]>> = {
  node: ['--expose-gc', '--import', loaded],
  bun: ['--preload', loaded],
  deno: ['--v8-flags=--expose-gc', '--preload', loaded],
}
/** Until the garbage is collected, and its memory the system's again. */
export const collectMs = 2_000

/** The same program, which knows SIGUSR2. */
export function collecting(contender: Contender, runtime: Runtime): Contender {
  const program = commands[runtime]
  return {
    ...contender,
    command: (port) => [...program, ...flags[runtime], ...commandOf(contender, port).slice(program.length)],
  }
}

/** What is resident once the garbage is gone. */
export async function keptBytes(servers: readonly Server[]): Promise<number[]> {
  for (const { child } of servers) child.kill('SIGUSR2')
  await new Promise((resolve) => setTimeout(resolve, collectMs))
  return servers.map(({ child }) => residentBytes(child.pid!))
}
