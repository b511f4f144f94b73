/**
 * A server of this runtime for `lost.test.ts`: `lost-server.ts ENGINE OPTIONS`. Prints its port,
 * and for each line on standard input what it knows of lost requests, and what it has logged.
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import { loadRuntime } from '../../runtimes/registry.ts'
import type { EngineChoice } from '../../src/serve/contract.ts'
import type { LogLine } from '../../src/serve/log.ts'
import { serveOn } from '../../src/serve/start.ts'

const [engine, options] = process.argv.slice(2) as [EngineChoice, string]
const told: object[] = []
const lines: LogLine[] = []
let executed = 0

const running = await serveOn(
  await loadRuntime(),
  () => {
    executed += 1
    return new Response('hello')
  },
  {
    port: 0,
    host: '0.0.0.0',
    engine,
    signals: false,
    admin: '127.0.0.1:0',
    log: (line) => lines.push(line),
    ...JSON.parse(options),
  },
)
running.observer.onLost((lost) => told.push(lost))
console.log(running.address.port)

for await (const line of createInterface(process.stdin)) {
  if (line === 'drain') await running.drain()
  const { lost, open, duplicates } = running.observer
  console.log(JSON.stringify({ lost, told, lines, executed, open, kept: duplicates.size }))
}
