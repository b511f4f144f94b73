/** Our `serve` on whichever runtime runs this, with the globals replaced as the command line does: `ours.ts native|hangup|auto PORT`. */
import { app, port } from './hello.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const engine = process.argv.at(-2)
const { serve } = await import(`../../runtimes/${runtime}.ts`)
await serve(app, { port, host: '127.0.0.1', engine, globals: 'replace' })
