/** The hangup engine with one idle limit: `idle.ts IDLE_MS PORT`. */
import { app, port } from './hello.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve } = await import(`../../runtimes/${runtime}.ts`)
const idleTimeoutMs = Number(process.argv.at(-2))
await serve(app, { port, host: '127.0.0.1', engine: 'hangup', globals: 'replace', idleTimeoutMs })
