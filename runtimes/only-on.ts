/**
 * The library of one runtime on another fails in words of the runtime ("Bun is not defined"), or serves and then breaks
 * while it drains (node:http on Bun). So it is refused where it is asked for.
 */
import { here, type RuntimeName } from './here.ts'

export function onlyOn(library: RuntimeName): void {
  if (here === library) return
  throw new Error(
    `runtimes/${library}/index.ts is not for this runtime, and hangup/${library} neither: import serve() from hangup, which is the one of each runtime, or from runtimes/${here}/index.ts`,
  )
}
