/**
 * The gateway against nginx, HAProxy and Caddy in front of the same nginx, in one run: CPU a request, requests/s and p99.
 * `npm run bench:gateway -- [--proxy nginx,haproxy,caddy,node,bun,deno] [--load small,large,post] [--rounds 5] [--seconds 2]
 * [--idle 1000] [--seed N] [--keep]`. A proxy that is not installed is left out.
 */
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { randomFrom } from '../test/attack/random.ts'
import { compare } from './compare.ts'
import { runtimes } from './contenders.ts'
import { chosen, positive, refuse, seedOf } from './flags.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { folder, post10KB } from './loads.ts'
import { type Program, stampOf, versionOf } from './machine.ts'
import { type Server, startBackend } from './process.ts'
import { backend, paths, proxy, proxyNames } from './proxies.ts'
import type { Compared } from './report/engines.ts'
import { type GatewayData, gatewayPage } from './report/gateway.ts'
import { type Load, requireTools } from './wrk.ts'

const loads = {
  small: { path: paths.small, connections: 64 },
  large: { path: paths.large, connections: 32 },
  post: { path: paths.post, connections: 32, script: post10KB },
} as const satisfies Readonly<Record<string, Load>>
const loadNames = Object.keys(loads) as (keyof typeof loads)[]
const titles: Readonly<Record<keyof typeof loads, string>> = {
  small: 'GET 13 B',
  large: 'GET 100 KB',
  post: 'POST 10 KB',
}

/** What has to be installed for it. */
const programs: Readonly<Record<string, Program>> = { nginx: 'nginx', haproxy: 'HAProxy', caddy: 'Caddy' }

const { values } = parseArgs({
  options: {
    proxy: { type: 'string', default: proxyNames.join() },
    load: { type: 'string', default: loadNames.join() },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    idle: { type: 'string', default: '0' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const seed = seedOf(values.seed)
const random = randomFrom(seed)
const rounds = positive('rounds', values.rounds)
const seconds = positive('seconds', values.seconds)
const idle = values.idle === '0' ? 0 : positive('idle', values.idle)
const names = chosen('load', values.load, loadNames)
const asked = chosen('proxy', values.proxy, proxyNames)
const absent = asked.filter((name) => programs[name] !== undefined && versionOf(programs[name]) === null)
const proxies = asked.filter((name) => !absent.includes(name))
if (absent.length > 0)
  console.error(
    `bench: not installed, left out: ${absent.join(', ')} (Debian and Ubuntu: apt-get install ${absent.join(' ')})`,
  )
if (names.length === 0 || proxies.length === 0) refuse('there is nothing to compare')

/** Clients that are there beside the load and ask nothing more after their first answer. */
async function addIdle({ port }: Server): Promise<void> {
  const sockets: Socket[] = []
  for (let i = 0; i < idle; i++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (i % 4)}` })
    // The server ends with the run, or it hangs up before.
    socket.on('error', () => {}).unref()
    sockets.push(socket)
    await new Promise((resolve, reject) => {
      socket.once('error', reject).once('data', resolve)
      socket.write('GET / HTTP/1.1\r\nHost: idle\r\n\r\n')
    })
  }
}

await requireTools()
const behind = await startBackend(backend(folder)).catch((error) =>
  refuse(`${error.message} (Debian and Ubuntu: apt-get install nginx)`),
)
try {
  const contenders = proxies.map((name) => proxy(name, folder, behind.port))
  const stamp = stampOf([...runtimes, 'nginx', 'HAProxy', 'Caddy', 'wrk'])
  const runs: Record<string, Compared> = {}
  for (const name of names) {
    const results = await compare(contenders, loads[name], { rounds, seconds, random, started: addIdle })
    runs[name] = { stamp, title: titles[name], results }
  }
  console.log(`seed ${seed}\n\n${gatewayPage(runs)}`)
  if (values.keep) {
    keep<GatewayData>('gateway', inOrder({ ...keptOf<GatewayData>('gateway'), ...runs } as GatewayData, loadNames))
  }
} finally {
  behind.child.kill('SIGKILL')
}
