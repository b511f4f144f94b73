/** Imported first: `hono/bun`, which comes after it, reads the global `Bun` while it is loaded. */
import { onlyOn } from '../only-on.ts'

onlyOn('bun')
