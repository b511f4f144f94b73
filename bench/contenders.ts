/** Who is compared: for each runtime its bare server first, then ours and srvx. */
import type { Contender } from './process.ts'

const bin = (name: string) => `node_modules/.bin/${name}`
export const commands = {
  node: [process.execPath],
  bun: [bin('bun'), 'run'],
  deno: [bin('deno'), 'run', '-A'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type Runtime = keyof typeof commands
export const runtimes = Object.keys(commands) as readonly Runtime[]

function contender(runtime: Runtime, name: string, file: string, ...args: string[]): Contender {
  return { name, command: [...commands[runtime], `bench/servers/${file}`, ...args] }
}

/** With the engine that `auto` takes. */
export const asItComes = (runtime: Runtime): Contender => contender(runtime, 'hangup, as it comes', 'ours.ts', 'auto')

/** The same, with its metrics read every 15 s. */
export const scraped = (runtime: Runtime): Contender =>
  contender(runtime, 'hangup, scraped every 15 s', 'ours.ts', 'scraped', 'auto')

export const contenders: Readonly<Record<Runtime, readonly Contender[]>> = {
  node: [
    contender('node', '@hono/node-server', 'bare-node-http.ts'),
    contender('node', 'hangup, native engine', 'ours.ts', 'native'),
    contender('node', 'hangup, hangup engine', 'ours.ts', 'hangup'),
    contender('node', 'srvx', 'srvx.ts'),
  ],
  bun: [
    contender('bun', 'Bun.serve', 'bare-bun.ts'),
    contender('bun', 'Bun.serve, with our Keep-Alive', 'bare-bun.ts', 'hint'),
    contender('bun', 'hangup, native engine', 'ours.ts', 'native'),
    contender('bun', 'hangup, hangup engine', 'ours.ts', 'hangup'),
    contender('bun', 'srvx', 'srvx.ts'),
  ],
  deno: [
    contender('deno', 'Deno.serve', 'bare-deno.ts'),
    contender('deno', 'Deno.serve, with our Keep-Alive', 'bare-deno.ts', 'hint'),
    contender('deno', 'hangup, native engine', 'ours.ts', 'native'),
    contender('deno', 'hangup, hangup engine', 'ours.ts', 'hangup'),
    contender('deno', '@hono/node-server on Deno', 'bare-node-http.ts'),
    contender('deno', 'srvx', 'srvx.ts'),
  ],
}
