/** Our `serve` on whichever runtime runs this. */
import { app, port } from './hello.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve } = await import(`../../runtimes/${runtime}.ts`)
await serve(app, { port, host: '127.0.0.1' })
