/**
 * The gateway against nginx, HAProxy and Caddy in front of the same nginx, in one run: CPU a
 * request, requests/s and p99. `npm run bench:gateway -- [--proxy
 * nginx,haproxy,caddy,node,bun,deno,passing-node,…] [--load small,…,handshakes] [--rounds 3]
 * [--processes 2] [--seconds 2] [--idle 1000] [--seed N] [--keep]`. A proxy that is not installed
 * is left out.
 */
import { connect, type Socket } from 'node:net'
import { randomFrom } from '../test/attack/random.ts'
import { compare } from './compare.ts'
import { runtimes } from './contenders.ts'
import { chosen, flagsOf, positive, refuse, seedOf } from './flags.ts'
import { handshakes } from './handshakes.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { folder, post10KB } from './loads.ts'
import { type Program, stampOf, versionOf } from './machine.ts'
import { type Contender, type Server, startBackend } from './process.ts'
import { backend, hangup, paths, proxy, proxyNames, secureNames } from './proxies.ts'
import type { Compared } from './report/engines.ts'
import { type GatewayData, gatewayPage } from './report/gateway.ts'
import { type Load, requireTools } from './wrk.ts'

const loads = {
  small: { path: paths.small, connections: 64 },
  large: { path: paths.large, connections: 32 },
  post: { path: paths.post, connections: 32, script: post10KB },
  tls: { path: paths.small, connections: 64 },
  // One gateway against itself with many routes and upstreams.
  routes: { path: paths.small, connections: 64 },
} as const satisfies Readonly<Record<string, Load>>
const loadNames = [...Object.keys(loads), 'handshakes'] as (keyof typeof loads | 'handshakes')[]
const titles: Readonly<Record<keyof typeof loads, string>> = {
  small: 'GET 13 B',
  large: 'GET 100 KB',
  post: 'POST 10 KB',
  tls: 'GET 13 B, TLS',
  routes: 'GET 13 B',
}

/** What has to be installed for it. */
const programs: Readonly<Record<string, Program>> = { nginx: 'nginx', haproxy: 'HAProxy', caddy: 'Caddy' }

const values = flagsOf({
  proxy: { type: 'string', default: proxyNames.join() },
  load: { type: 'string', default: loadNames.join() },
  rounds: { type: 'string', default: '3' },
  processes: { type: 'string', default: '2' },
  seconds: { type: 'string', default: '2' },
  idle: { type: 'string', default: '0' },
  seed: { type: 'string' },
  keep: { type: 'boolean', default: false },
})
const seed = seedOf(values.seed)
const random = randomFrom(seed)
const rounds = positive('rounds', values.rounds)
const processes = positive('processes', values.processes)
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
async function addIdle({ port, secure }: Server): Promise<void> {
  const sockets: Socket[] = []
  if (idle > 0 && secure) refuse('--idle: its clients speak no TLS')
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
  const stamp = stampOf([...runtimes, 'nginx', 'HAProxy', 'Caddy', 'wrk'])
  const contendersOf = (secure: boolean) =>
    proxies
      .filter((name) => !secure || secureNames.includes(name))
      .map((name) => proxy(name, folder, behind.port, secure))
  const run = async (name: keyof typeof loads, contenders: readonly Contender[]): Promise<Compared> => {
    const results = await compare(contenders, loads[name], { rounds, processes, seconds, random, started: addIdle })
    return { stamp, title: titles[name], results }
  }
  const loaded: Record<string, Compared> = {}
  const routes: Record<string, Compared> = {}
  let shaken: GatewayData['handshakes'] = null
  for (const name of names) {
    if (name === 'handshakes') shaken = { stamp, rows: await handshakes(contendersOf(true), seconds) }
    else if (name === 'routes') {
      for (const runtime of runtimes.filter((runtime) => proxies.includes(runtime))) {
        const one = hangup(folder, behind.port, runtime)
        routes[runtime] = await run(name, [one, hangup(folder, behind.port, runtime, { many: true })])
      }
    } else loaded[name] = await run(name, contendersOf(name === 'tls'))
  }
  const data: GatewayData = { loads: loaded, routes, handshakes: shaken }
  console.log(`seed ${seed}\n\n${gatewayPage(data)}`)
  if (values.keep) {
    const kept = keptOf<GatewayData>('gateway')
    keep<GatewayData>('gateway', {
      loads: inOrder({ ...kept.loads, ...loaded }, loadNames),
      routes: inOrder({ ...kept.routes, ...routes }, runtimes),
      handshakes: shaken ?? kept.handshakes ?? null,
    })
  }
} finally {
  behind.child.kill('SIGKILL')
}
