/** `hangup rescue --front` between two hosts, which are network namespaces that this test makes. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { getuid } from 'node:process'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProgram } from '../lib/program.ts'
import { root, runtimeCommands } from '../lib/runtimes.ts'
import { eventually } from '../lib/wait.ts'

const has = (program: string, ...args: readonly string[]) => spawnSync(program, args).status === 0
const ip = (...args: readonly string[]) => execFileSync('ip', args, { stdio: 'pipe' })

function missing(): string | false {
  if (getuid?.() !== 0) return 'NOT TESTED: it needs root'
  if (!has('nft', '--version')) return 'NOT TESTED: there is no nft; apt-get install nftables'
  const name = `hangup-probe-${process.pid}`
  if (!has('ip', 'netns', 'add', name)) return 'NOT TESTED: no network namespace can be made here'
  const works = has('ip', 'netns', 'exec', name, 'nft', 'add table inet t { flags owner; }')
  ip('netns', 'delete', name)
  return works ? false : 'NOT TESTED: nftables does not work in a network namespace here'
}

const skip = missing()
if (skip) console.error(`\n*** ${skip} ***\n`)

const serverHost = '198.51.100.1'
const clientHost = '198.51.100.2'
const port = 8000
const idleLimitMs = 2_000

interface Hosts {
  readonly server: string
  readonly client: string
}

function hosts(t: Pick<TestContext, 'after'>): Hosts {
  const server = `hangup-s-${process.pid}`
  const client = `hangup-c-${process.pid}`
  for (const name of [server, client]) ip('netns', 'add', name)
  t.after(() => {
    for (const name of [server, client]) ip('netns', 'delete', name)
  })
  ip('link', 'add', 'eth-s', 'netns', server, 'type', 'veth', 'peer', 'name', 'eth-c', 'netns', client)
  for (const [name, device, address] of [
    [server, 'eth-s', serverHost],
    [client, 'eth-c', clientHost],
  ] as const) {
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'link', 'set', device, 'up')
    ip('-n', name, 'address', 'add', `${address}/24`, 'dev', device)
  }
  return { server, client }
}

/** Says after how many ms it was closed. */
const silentClient = `
  const socket = require('node:net').connect(${port}, '${serverHost}')
  socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
  socket.once('data', () => {
    const at = Date.now()
    socket.once('end', () => console.log(Date.now() - at))
  })`

const within = (host: string, command: readonly string[]) => ['ip', 'netns', 'exec', host, ...command] as const
const rescue = (...flags: readonly string[]) => [...runtimeCommands.node, `${root}src/cli.ts`, 'rescue', ...flags]
const established = (host: string, ofPort: number): number =>
  execFileSync('ip', ['netns', 'exec', host, 'cat', '/proc/net/tcp', '/proc/net/tcp6'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      return state === '01' && Number.parseInt(local.split(':')[1] ?? '', 16) === ofPort
    }).length

test('a gateway is put before a running server and taken out again, and no POST is lost', {
  skip,
  timeout: 90_000,
}, async (t) => {
  const { server, client } = hosts(t)
  const running = await startProgram(
    t,
    within(server, [
      'env',
      `PORT=${port}`,
      'HOST=0.0.0.0',
      ...runtimeCommands.node,
      `${root}test/fixtures/rescue/server.node.ts`,
    ]),
  )
  // One that came before stays as it is, and works on.
  const clients = startProgram(
    t,
    within(client, [...runtimeCommands.node, `${root}test/rescue/front-clients.ts`, serverHost, String(port), '1000']),
  )
  await sleep(500)
  const front = await startProgram(
    t,
    within(server, rescue('--front', '--port', String(port), '--', '--idle-timeout', `${idleLimitMs}ms`)),
  )
  const gatewayPort = Number(/gateway on port (\d+)/.exec(front.line)?.[1])
  assert.ok(
    await eventually(
      () => established(server, gatewayPort),
      (count) => count > 0,
      3_000,
    ),
    front.line,
  )

  // What leaked before has an idle limit now.
  const idle = await startProgram(t, within(client, [...runtimeCommands.node, '-e', silentClient]))
  assert.ok(Number(idle.line) >= idleLimitMs - 100 && Number(idle.line) < idleLimitMs + 1_000, idle.line)

  const undone = await startProgram(t, within(server, rescue('--undo', '--port', String(port))))
  assert.match(undone.line, /has taken its gateway away/)
  assert.equal((await front.exited).code, 0, front.stderr())
  assert.equal(execFileSync('ip', ['netns', 'exec', server, 'nft', 'list', 'ruleset'], { encoding: 'utf8' }), '')

  const { answered, failures } = JSON.parse((await clients).line)
  assert.deepEqual(failures, [])
  assert.equal(answered, 1_000)
  running.signal('SIGTERM')
  assert.match((await running.exited).stdout, /posts=1000\b/)
})
