/**
 * Every engine against the runtime's own server and srvx, alternating in one run: requests/s, p99 and CPU a request.
 * `npm run bench:engines -- [--runtime node,bun,deno] [--load hello,…] [--rounds 5] [--seconds 2]`
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chosen, compare, type Load, markdown, positive, requireTools, row } from './compare.ts'
import { contenders, runtimes } from './contenders.ts'
import { fanOut } from './fan-out.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true }))
const post = join(folder, 'post.lua')
writeFileSync(post, `wrk.method = "POST"\nwrk.body = string.rep("x", 10240)\n`)

const loads: Readonly<Record<string, Load>> = {
  hello: { path: '/', connections: 64 },
  async: { path: '/async', connections: 64 },
  bytes: { path: '/bytes', connections: 32 },
  text: { path: '/text', connections: 32 },
  post: { path: '/length', connections: 32, script: post },
}
const titles: Readonly<Record<string, string>> = {
  hello: 'hello',
  async: 'hello, a turn later',
  bytes: '100 KB of bytes',
  text: '100 KB of text',
  post: 'POST 10 KB',
}

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: runtimes.join() },
    load: { type: 'string', default: [...Object.keys(loads), 'events'].join() },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
  },
})
const options = { rounds: positive('rounds', values.rounds), seconds: positive('seconds', values.seconds) }
const names = chosen('load', values.load, [...Object.keys(loads), 'events'])
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)

await requireTools()
for (const runtime of chosenRuntimes) {
  const rows: string[][] = []
  for (const name of names) {
    const load = loads[name]
    if (load === undefined) continue
    for (const result of await compare(contenders[runtime], load, options)) rows.push(row(result, titles[name] ?? name))
  }
  console.log(`\n### ${runtime}`)
  if (rows.length > 0) console.log(`\n${markdown(rows)}`)
  if (names.includes('events')) console.log(`\n${await fanOut(contenders[runtime])}`)
}
