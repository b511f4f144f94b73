/**
 * The library of one runtime on another fails in words of the runtime ("Bun is not defined"), or
 * serves and then breaks while it drains (node:http on Bun). So it is refused where it is asked
 * for.
 */
import { here, type RuntimeName } from './here.ts'

export function onlyOn(library: RuntimeName): void {
  if (here === library) return
  // Deno resolves a require() as Node does, without its own condition.
  const required = here === 'deno' ? ', and a require() names hangup/deno' : ''
  throw new Error(
    `hangup/${library} or runtimes/${library}/index.ts is not for this runtime: import serve() from hangup, which is the one of each runtime, or from hangup/${here} (in a checkout runtimes/${here}/index.ts); a bundler needs the condition ${here}${required}`,
  )
}
