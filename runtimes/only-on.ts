/**
 * The library of one runtime on another fails in words of the runtime ("Bun is not defined"), or serves and then breaks
 * while it drains (node:http on Bun). So it is refused where it is asked for.
 */
export function onlyOn(library: 'bun' | 'deno' | 'node'): void {
  const here = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
  if (here === library) return
  throw new Error(`runtimes/${library}/index.ts is not for this runtime: import serve() from runtimes/${here}/index.ts`)
}
