/**
 * Two native servers of one process on one port of two addresses. Prints the port; a line `drain`
 * on standard input drains the second, `connections` says what each has.
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'deno'
const { serve } = (await import(`../../runtimes/${runtime}.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
}

const app = async (request: Request): Promise<Response> => {
  await new Promise((resolve) => setTimeout(resolve, Number(new URL(request.url).searchParams.get('ms'))))
  return new Response('answered')
}
const options = { engine: 'native', signals: false } as const
const limits = { headTimeoutMs: 1_000, idleTimeoutMs: 1_000, minIdleMs: 200 }
const first = await serve(app, { ...options, port: 0, host: '127.0.0.1' })
const port = Number(new URL(first.url).port)
const second = await serve(app, { ...options, ...limits, port, host: '127.0.0.2' })
console.log(port)

for await (const line of createInterface(process.stdin)) {
  if (line === 'drain') console.log(JSON.stringify(await second.drain()))
  else console.log(JSON.stringify([first, second].map((running) => running.connections())))
}
