/**
 * An application that computes: `overload.ts off|lag|queue PORT`, on whichever runtime runs this.
 * With `queue` it refuses while more connections wait to be accepted than it likes, as the kernel's
 * table of sockets says; hangup has no such limit, and this is to show what it would bring.
 */

import { readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'

const computeMs = 4
const waitMs = 10
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve } = await import(`../../runtimes/${runtime}.ts`)
const [refuses, port] = [process.argv.at(-2), Number(process.argv.at(-1))]

/** Of a listening socket, the table's receive queue is the number of those that wait. */
function waiting(): number {
  const listens = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+:0000 0A \\w+:(\\w+)`)
  return Number.parseInt(listens.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1] ?? '0', 16)
}

const [mostWaiting, lookEveryMs] = [8, 20]
let [isFull, lookedAt] = [false, 0]
function isBehind(): boolean {
  if (refuses === 'queue' && performance.now() - lookedAt > lookEveryMs) {
    isFull = waiting() > mostWaiting
    lookedAt = performance.now()
  }
  return isFull
}

const app = new Hono().get('/', async (c) => {
  if (isBehind()) return c.text('behind\n', 503)
  await sleep(waitMs)
  const until = performance.now() + computeMs
  while (performance.now() < until);
  return c.text('computed\n')
})
await serve(app, {
  port,
  host: '127.0.0.1',
  log: () => {},
  ...(refuses === 'lag' && { maxLoopLagMs: 100 }),
})
