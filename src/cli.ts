#!/usr/bin/env node
/**
 * The program, under whichever runtime runs it: `node src/cli.ts serve`, `bun src/cli.ts serve`,
 * `deno run -A src/cli.ts serve`.
 */
import process from 'node:process'
import { healthCheckOf, illness } from './probe/healthz.ts'

const [command, ...argv] = process.argv.slice(2)
const check = command === 'probe' ? healthCheckOf(argv) : null
if (check === null) await (await import('./commands.ts')).dispatch(import.meta.url)
else {
  const why = await illness(check)
  if (why !== null) console.error(`hangup: ${why}`)
  process.exitCode = why === null ? 0 : 1
}
