/** An application that computes: `overload.ts LAG_MS|off PORT`, on whichever runtime runs this. */

import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'

const computeMs = 4
const waitMs = 10
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve } = await import(`../../runtimes/${runtime}.ts`)
const lag = process.argv.at(-2)
const app = new Hono().get('/', async (c) => {
  await sleep(waitMs)
  const until = performance.now() + computeMs
  while (performance.now() < until);
  return c.text('computed\n')
})
await serve(app, {
  port: Number(process.argv.at(-1)),
  host: '127.0.0.1',
  log: () => {},
  ...(lag !== 'off' && { maxLoopLagMs: Number(lag) }),
})
