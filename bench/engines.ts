/**
 * Every engine against the runtime's own server and srvx, in one run: CPU a request, requests/s and
 * p99. `npm run bench:engines -- [--runtime node,bun,deno] [--load hello,…] [--server …] [--rounds
 * 3] [--processes 2] [--seconds 2] [--seed N] [--keep]`; `--server native,srvx` leaves out all but
 * the runtime's own and those whose names have one of these, `--keep` is for docs/bench/.
 */
import { randomFrom } from '../test/attack/random.ts'
import { compare } from './compare.ts'
import { contenders, runtimes } from './contenders.ts'
import { fanOut } from './fan-out.ts'
import { chosen, flagsOf, positive, seedOf } from './flags.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { api, post10KB } from './loads.ts'
import { stampOf } from './machine.ts'
import { type Compared, type EnginesData, enginesSection, type RuntimeRun } from './report/engines.ts'
import { type Load, requireTools } from './wrk.ts'

const loads: Readonly<Record<string, Load & { readonly title: string }>> = {
  hello: { title: 'hello', path: '/', connections: 64 },
  async: { title: 'hello, a turn later', path: '/async', connections: 64 },
  api: { title: 'JSON of 1 KB, five middlewares', path: '/api/orders?page=2&limit=8', connections: 64, script: api },
  bytes: { title: '100 KB of bytes', path: '/bytes', connections: 32 },
  text: { title: '100 KB of text', path: '/text', connections: 32 },
  post: { title: 'POST 10 KB', path: '/length', connections: 32, script: post10KB },
}

const values = flagsOf({
  runtime: { type: 'string', default: runtimes.join() },
  load: { type: 'string', default: [...Object.keys(loads), 'events'].join() },
  server: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  processes: { type: 'string', default: '2' },
  seconds: { type: 'string', default: '2' },
  seed: { type: 'string' },
  keep: { type: 'boolean', default: false },
})
const seed = seedOf(values.seed)
const options = {
  rounds: positive('rounds', values.rounds),
  processes: positive('processes', values.processes),
  seconds: positive('seconds', values.seconds),
  random: randomFrom(seed),
}
const names = chosen('load', values.load, [...Object.keys(loads), 'events'])
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)
/** By any part of their names; the runtime's own is always there. */
const parts = values.server?.split(',')
const wanted = (name: string, index: number) => index === 0 || (parts?.some((part) => name.includes(part)) ?? true)

await requireTools()
console.log(`seed ${seed}`)
for (const runtime of chosenRuntimes) {
  const servers = contenders[runtime].filter(({ name }, index) => wanted(name, index))
  const stamp = stampOf([runtime, 'hono', '@hono/node-server', 'srvx', 'wrk'])
  const compared: Record<string, Compared> = {}
  for (const name of names) {
    const load = loads[name]
    if (load === undefined) continue
    const able = servers.filter(({ onlyHello = false }) => !onlyHello || name === 'hello')
    compared[name] = { stamp, title: load.title, results: await compare(able, load, options) }
  }
  const events = names.includes('events')
    ? { stamp, rows: await fanOut(servers.filter(({ onlyHello = false }) => !onlyHello)) }
    : null
  console.log(`\n${enginesSection(runtime, { loads: compared, events })}`)
  if (!values.keep) continue
  const kept = keptOf<EnginesData>('engines')[runtime]
  const run: RuntimeRun = {
    loads: inOrder({ ...kept?.loads, ...compared }, Object.keys(loads)),
    events: events ?? kept?.events ?? null,
  }
  keep<EnginesData>('engines', { [runtime]: run })
}
