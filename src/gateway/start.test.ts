import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { adminPlan } from '../admin/options.ts'
import type { Administered } from '../admin/routes.ts'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import type { CertificatePem } from '../net/transport.ts'
import { Observer } from '../observe/observer.ts'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { optionNames, type Policy } from '../policy/policy.ts'
import { resolveOptions } from '../policy/resolve.ts'
import type { ServeOptions } from '../serve/contract.ts'
import { runningFake } from '../serve/running.fake.ts'
import { loadGateway } from './config/load.ts'
import { type GatewayRuntime, startGateway } from './start.ts'

const tls = fileURLToPath(new URL('../../test/fixtures/tls/', import.meta.url))
const pair = ['--tls-cert', `${tls}cert.pem`, '--tls-key', `${tls}key.pem`]
const host = { log: () => {}, clock: new FakeClock(), random: () => 0 }
const exact: Enforced = { by: 'us', stepMs: 0, how: 'in memory' }
const enforcement = Object.fromEntries(optionNames.map((option) => [option, exact])) as Enforcement

const plan = async (...argv: string[]) => (await loadGateway(['--to', 'http://127.0.0.1:1', ...argv], {}, '/')).plan

interface Server {
  readonly options: ServeOptions
  readonly policy: Policy
  shown: readonly CertificatePem[]
  ended: 'drained' | 'killed' | null
}

/**
 * Servers that only remember; `taken`: a port that can't be had, `fixed`: certificates stay as they
 * are.
 */
function runtime({ taken = -1, fixed = false } = {}) {
  const servers: Server[] = []
  /** By the admin listeners that listen. */
  const administered: Administered[] = []
  const gateway: GatewayRuntime = {
    runtime: 'memory',
    http2: true,
    connect: () => Promise.reject(new Error('nobody is there')),
    resolve: async () => [],
    observer: (clock) => new Observer(clock),
    async listenForAdmin(server, { at }) {
      if ('port' in at && at.port === taken) throw new Error('the port is in use')
      administered.push(server)
      const url = `http://127.0.0.1:${'port' in at ? at.port : 0}/`
      return {
        address: { url, family: 'IPv4', host: '127.0.0.1', port: 0, path: null },
        close: async () => void administered.pop(),
      }
    },
    async serve(_, options) {
      if (options.port === taken) throw new Error('the port is in use')
      const { policy } = resolveOptions(options)
      const server: Server = { options, policy, shown: [], ended: null }
      servers.push(server)
      return {
        ...runningFake({ port: options.port, policy, enforcement, engine: String(options.engine) }),
        ...(!fixed &&
          options.tls && {
            setCertificates: (certificates) => {
              server.shown = certificates
            },
          }),
        async drain() {
          server.ended = 'drained'
          return { cut: 1 }
        },
        async kill() {
          server.ended = 'killed'
          return { cut: 2 }
        },
      }
    },
  }
  return { servers, administered, gateway }
}

describe('startGateway', () => {
  test('listens once for each listener, all under one policy', async () => {
    const { servers, gateway } = runtime()
    const flags = ['--port', '443', '--host', '127.0.0.1', '--redirect-http', '80', '--idle-timeout', '7s']
    const running = await startGateway(await plan(...pair, ...flags), gateway, host)
    assert.deepEqual(
      servers.map(({ options: { port, host, engine, tls, signals }, policy }) => ({
        ...{ port, host, engine, signals, secure: tls !== undefined, idleTimeoutMs: policy.idleTimeoutMs },
      })),
      [
        { port: 443, host: '127.0.0.1', engine: 'hangup', signals: false, secure: true, idleTimeoutMs: 7_000 },
        { port: 80, host: '127.0.0.1', engine: 'hangup', signals: false, secure: false, idleTimeoutMs: 7_000 },
      ],
    )
    assert.deepEqual(running.urls, ['http://127.0.0.1:443/', 'http://127.0.0.1:80/'])
    assert.deepEqual(await running.drain(), { cut: 2 })
    assert.deepEqual(
      servers.map(({ ended }) => ended),
      ['drained', 'drained'],
    )
  })

  test('listens on nothing if it can’t on everything', async () => {
    const { servers, gateway } = runtime({ taken: 80 })
    const both = await plan(...pair, '--port', '443', '--redirect-http', '80')
    await assert.rejects(startGateway(both, gateway, host), /the port is in use/)
    assert.deepEqual(
      servers.map(({ ended }) => ended),
      ['killed'],
    )
  })

  test('one admin listener tells of all listeners, and goes with them', async () => {
    const { servers, administered, gateway } = runtime()
    const admin = adminPlan('127.0.0.1:9000')
    const running = await startGateway(await plan(...pair, '--port', '443', '--redirect-http', '80'), gateway, {
      ...host,
      admin,
    })
    assert.equal(running.admin?.url, 'http://127.0.0.1:9000/')
    const [server] = administered
    assert.equal(server?.url, 'http://127.0.0.1:443/ http://127.0.0.1:80/')
    assert.equal(server?.connections().open, 0)
    assert.equal(server?.upstreams?.().groups['default']?.[0]?.pool?.queued, 0)
    await server?.drain()
    assert.deepEqual(
      servers.map(({ ended }) => ended),
      ['drained', 'drained'],
    )
    assert.deepEqual(administered, [])

    const other = runtime({ taken: 9000 })
    await assert.rejects(startGateway(await plan(), other.gateway, { ...host, admin }), /the port is in use/)
    assert.deepEqual(
      other.servers.map(({ ended }) => ended),
      ['killed'],
    )
  })

  test('HTTP/2 is the runtime’s own server’s, PROXY protocol the engine’s', async () => {
    const { servers, gateway } = runtime()
    const http2 = await startGateway(await plan(...pair, '--http2'), gateway, host)
    const announced = await startGateway(await plan('--proxy-protocol', '10.0.0.0/8'), gateway, host)
    assert.equal(servers[0]?.options.engine, 'native')
    const { trust, others } = servers[1]!.options.proxyProtocol!
    assert.deepEqual([trust('10.1.2.3'), trust('192.0.2.1'), others], [true, false, 'refuse'])
    await Promise.all([http2.kill(), announced.kill()])
  })

  test('a reload shows other certificates, or says that it can’t', async () => {
    const before = await plan(...pair)
    const after = {
      ...before,
      listeners: [{ ...before.listeners[0]!, certificates: [{ cert: 'other', key: 'other' }] }],
    }
    const able = runtime()
    const running = await startGateway(before, able.gateway, host)
    assert.deepEqual(running.reload(after), [])
    assert.deepEqual(able.servers[0]?.shown, [{ cert: 'other', key: 'other' }])
    await running.kill()

    const unable = runtime({ fixed: true })
    const stuck = await startGateway(before, unable.gateway, host)
    assert.deepEqual(stuck.reload(before), [])
    assert.match(stuck.reload(after).join(), /^listen: new certificates need a restart/)
    await stuck.kill()
  })
})
