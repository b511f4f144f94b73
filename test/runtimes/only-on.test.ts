/**
 * The library of a runtime says on another one which is wanted; nothing there serves first and
 * breaks later.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { run } from '../lib/program.ts'

const program = (library: string) =>
  `import { serve } from './runtimes/${library}/index.ts'; const server = await serve(() => new Response(''), { port: 0 }); ` +
  'await server.drain(); console.log("served")'

const runtimes = {
  node: ['--input-type=module', '--eval'],
  bun: ['--eval'],
  deno: ['eval', '--ext=ts'],
} as const

describe('the library of a runtime', () => {
  for (const [here, flags] of Object.entries(runtimes)) {
    test(`on ${here}`, { timeout: 90_000 }, async (t) => {
      for (const library of Object.keys(runtimes)) {
        const ran = await run(t, [here, ...flags, program(library)])
        if (library === here) assert.match(ran.stdout, /served/, ran.stderr)
        else {
          assert.match(
            ran.stderr,
            new RegExp(`runtimes/${library}/index.ts is not for this.* runtimes/${here}/index.ts`),
          )
          assert.equal(ran.code, 1)
        }
      }
    })
  }
})
