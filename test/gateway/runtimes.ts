/** The runtimes that a gateway runs on, and how each is started: data, one entry each. From the project's root. */
export const gatewayRuntimes = {
  node: ['node', 'src/cli.ts', 'gateway'],
  bun: ['bun', 'src/cli.ts', 'gateway'],
  deno: ['deno', 'run', '-A', 'src/cli.ts', 'gateway'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>

export type GatewayRuntimeName = keyof typeof gatewayRuntimes
export const gatewayRuntimeNames = Object.keys(gatewayRuntimes) as readonly GatewayRuntimeName[]
