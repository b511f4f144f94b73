/** The runtimes that a gateway runs on, and how each is started: data, one entry each. From the project's root. */
import { describe } from 'node:test'

export const gatewayRuntimes = {
  node: ['node', 'src/cli.ts', 'gateway'],
  bun: ['bun', 'src/cli.ts', 'gateway'],
  deno: ['deno', 'run', '-A', 'src/cli.ts', 'gateway'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>

export type GatewayRuntimeName = keyof typeof gatewayRuntimes
export const gatewayRuntimeNames = Object.keys(gatewayRuntimes) as readonly GatewayRuntimeName[]

/** The same tests for each, one after another; the runtimes beside each other, because such tests mostly wait. */
export function onEachRuntime(title: string, tests: (name: GatewayRuntimeName) => void): void {
  describe(title, { concurrency: gatewayRuntimeNames.length }, () => {
    for (const name of gatewayRuntimeNames) describe(`on ${name}`, { concurrency: 1 }, () => tests(name))
  })
}
