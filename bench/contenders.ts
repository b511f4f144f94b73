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

/**
 * As a server that always has work. V8's memory reducer takes eight seconds with little of it, which
 * is how far the rounds of one server lie apart, as a sign to collect everything, to forget compiled
 * code and to give memory back: the next three seconds of load cost up to twice as much.
 */
export const alwaysAtWork = ([program = '', ...args]: readonly string[]): readonly string[] => {
  const flag = '--no-memory-reducer'
  if (program === commands.node[0]) return [program, flag, ...args]
  if (program === commands.deno[0])
    return [...commands.deno, `--v8-flags=${flag}`, ...args.slice(commands.deno.length - 1)]
  return [program, ...args]
}

function contender(runtime: Runtime, name: string, file: string, ...args: string[]): Contender {
  return { name, command: [...commands[runtime], `bench/servers/${file}`, ...args] }
}

/** What a runtime's own server loses to the field that ours adds. */
export const hintName = 'with our Keep-Alive'
/** Without any HTTP: what the hangup engine stands on. It has one response, that to a hello. */
export const socketsName = (runtime: Runtime): string => `sockets of ${runtime}, one constant response`
const sockets = (runtime: Runtime): Contender => ({
  ...contender(runtime, socketsName(runtime), 'idle.ts', 'raw', '0'),
  onlyHello: true,
})

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
    sockets('node'),
  ],
  bun: [
    contender('bun', 'Bun.serve', 'bare-bun.ts'),
    contender('bun', `Bun.serve, ${hintName}`, 'bare-bun.ts', 'hint'),
    contender('bun', 'hangup, native engine', 'ours.ts', 'native'),
    contender('bun', 'hangup, hangup engine', 'ours.ts', 'hangup'),
    contender('bun', 'srvx', 'srvx.ts'),
    sockets('bun'),
  ],
  deno: [
    contender('deno', 'Deno.serve', 'bare-deno.ts'),
    contender('deno', `Deno.serve, ${hintName}`, 'bare-deno.ts', 'hint'),
    contender('deno', 'hangup, native engine', 'ours.ts', 'native'),
    contender('deno', 'hangup, hangup engine', 'ours.ts', 'hangup'),
    contender('deno', '@hono/node-server on Deno', 'bare-node-http.ts'),
    contender('deno', 'srvx', 'srvx.ts'),
    sockets('deno'),
  ],
}
