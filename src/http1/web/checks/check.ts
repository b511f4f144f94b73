/**
 * Checks that every runtime runs for itself: `node:test` is not there outside of Bun's own runner.
 */
export interface Check {
  readonly name: string
  readonly run: () => unknown
}

export const checks: Check[] = []

export function check(name: string, run: () => unknown): void {
  checks.push({ name, run })
}

export const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
