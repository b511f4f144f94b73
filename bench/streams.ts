/**
 * Event streams that are quiet for a minute at a time, under the default policy, on every engine
 * and through the gateway: `npm run bench:streams -- --minutes 10`. Prints what each client got,
 * and fails if one got less.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client, startStreams } from '../test/streams/process.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, every: { type: 'string', default: '60' } },
})
const minutes = Number(values.minutes)
const everySeconds = Number(values.every)
const expected = Math.floor((minutes * 60) / everySeconds)

const ends: (() => void)[] = []
const life = { after: (end: () => void) => void ends.push(end) } as Parameters<typeof startStreams>[0]

interface Watched {
  readonly name: string
  readonly client: Client
}

async function watched(runtime: 'node' | 'bun' | 'deno'): Promise<Watched[]> {
  const { tell } = startStreams(life, runtime)
  const native = await tell({ serve: { engine: 'native' } })
  const hangup = await tell({ serve: { engine: 'hangup' } })
  const gateway = await startStreams(life, runtime).tell({
    gateway: { to: `http://127.0.0.1:${native}`, listen: { port: 0, host: '127.0.0.1' } },
  })
  return Object.entries({ native, hangup, gateway }).map(([engine, port]) => ({
    name: `${runtime} ${engine}`,
    client: new Client(port).ask(`/quiet?every=${everySeconds * 1_000}`),
  }))
}

const all = (await Promise.all((['node', 'bun', 'deno'] as const).map(watched))).flat()
await sleep(minutes * 60_000 + 2_000)
let isGood = true
for (const { name, client } of all) {
  const events = client.text.split('tick').length - 1
  isGood &&= events >= expected && client.end === null
  console.log(`${name.padEnd(16)} ${events} of ${expected} events, ${client.end ?? 'open'}`)
}
for (const end of ends) end()
process.exit(isGood ? 0 : 1)
