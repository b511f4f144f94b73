/**
 * The application under `serve()` in a program of one's own. Takes its options as JSON; a line of
 * JSON for each call of `onError`.
 */
import process from 'node:process'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import app, { websocket } from './app.ts'
import { runtime } from './helpers.ts'
import { reportLine } from './log-lines.ts'

const { serve } = (await import(`../../runtimes/${runtime}.ts`)) as {
  serve(app: App, options: ServeOptions & { websocket?: unknown }): Promise<Running>
}
const running = await serve(app, {
  ...(JSON.parse(process.argv[2]!) as ServeOptions),
  ...(runtime === 'deno' ? {} : { websocket }),
  onError: (error, { method, url }) => console.error(reportLine(method, new URL(url).pathname, error)),
})
console.log(JSON.stringify({ url: running.url }))
