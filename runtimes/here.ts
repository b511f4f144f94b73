/** The runtime that runs this program. */

export type RuntimeName = 'node' | 'bun' | 'deno'

/** Bun and Deno both claim to be Node as well, so they are asked first. */
export const here: RuntimeName = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
