/** Our `serve`, as the package has it, on whichever runtime runs this, with the globals replaced as the command line does: `ours.ts
 * native|hangup|auto PORT`; with `scraped` before that, an admin listener whose metrics are read every 15 s, as Prometheus does. */
import { app, port } from './hello.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const engine = process.argv.at(-2)
const scraped = process.argv.includes('scraped')
const { serve } = await import(`../../runtimes/${runtime}/index.ts`)
const admin = scraped && '127.0.0.1:0'
const running = await serve(app, { port, host: '127.0.0.1', engine, globals: 'replace', admin })
if (scraped) setInterval(async () => (await fetch(`${running.admin.url}metrics`)).text(), 15_000)
