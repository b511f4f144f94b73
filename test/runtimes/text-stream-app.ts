/** Counts the characters of an upload that it reads by `textStream()`: `text-stream-app.ts ENGINE`. Prints the port. */
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'deno'
const { serve } = (await import(`../../runtimes/${runtime}.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
}

const app = async (request: Request & { textStream?(): AsyncIterable<string> }): Promise<Response> => {
  let characters = 0
  for await (const text of request.textStream!()) characters += text.length
  return new Response(`${characters} characters`)
}
const running = await serve(app as App, {
  engine: process.argv.at(-1) as 'native' | 'hangup',
  host: '127.0.0.1',
  port: 0,
  maxBodyBytes: 1_000,
  bodyTimeoutMs: 500,
})
console.log(new URL(running.url).port)
