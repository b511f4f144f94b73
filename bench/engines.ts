/**
 * Every engine against the runtime's own server and srvx, in one run: CPU a request, requests/s and p99.
 * `npm run bench:engines -- [--runtime node,bun,deno] [--load hello,…] [--server …] [--rounds 5] [--seconds 2] [--seed N]`
 */
import { parseArgs } from 'node:util'
import { randomFrom } from '../test/attack/random.ts'
import { compare, row, table } from './compare.ts'
import { contenders, runtimes } from './contenders.ts'
import { fanOut } from './fan-out.ts'
import { chosen, positive, seedOf } from './flags.ts'
import { api, post10KB } from './loads.ts'
import { stampLine, stampOf } from './machine.ts'
import { type Load, requireTools } from './wrk.ts'

const loads: Readonly<Record<string, Load & { readonly title: string }>> = {
  hello: { title: 'hello', path: '/', connections: 64 },
  async: { title: 'hello, a turn later', path: '/async', connections: 64 },
  api: { title: 'JSON of 1 KB, five middlewares', path: '/api/orders?page=2&limit=8', connections: 64, script: api },
  bytes: { title: '100 KB of bytes', path: '/bytes', connections: 32 },
  text: { title: '100 KB of text', path: '/text', connections: 32 },
  post: { title: 'POST 10 KB', path: '/length', connections: 32, script: post10KB },
}

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: runtimes.join() },
    load: { type: 'string', default: [...Object.keys(loads), 'events'].join() },
    server: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    seed: { type: 'string' },
  },
})
const seed = seedOf(values.seed)
const options = {
  rounds: positive('rounds', values.rounds),
  seconds: positive('seconds', values.seconds),
  random: randomFrom(seed),
}
const names = chosen('load', values.load, [...Object.keys(loads), 'events'])
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)
/** By any part of their names; the runtime's own is always there. */
const parts = values.server?.split(',')
const wanted = (name: string, index: number) => index === 0 || (parts?.some((part) => name.includes(part)) ?? true)

await requireTools()
for (const runtime of chosenRuntimes) {
  const servers = contenders[runtime].filter(({ name }, index) => wanted(name, index))
  const rows: string[][] = []
  for (const name of names) {
    const load = loads[name]
    if (load === undefined) continue
    for (const result of await compare(servers, load, options)) rows.push(row(result, load.title))
  }
  console.log(`\n### ${runtime}\n\n${stampLine(stampOf([runtime, 'wrk']))} · seed ${seed}`)
  if (rows.length > 0) console.log(`\n${table(rows)}`)
  if (names.includes('events')) console.log(`\n${await fanOut(servers)}`)
}
