import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { type OptionName, optionNames } from '../../src/policy/policy.ts'
import type { ServerProcess, Target } from '../../src/probe/client/target.ts'
import { drainUnderLoad, keepAliveRace } from '../../src/probe/client/traffic.ts'
import { CaseError } from '../../src/probe/judge/verdict.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close().closeAllConnections()
})

const policy = Object.fromEntries(optionNames.map((name) => [name, name === 'minIdleMs' ? 50 : 0])) as Record<
  OptionName,
  number
>

async function listening(server: Server): Promise<Target> {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const paths = { hello: '/', slow: '/slow', count: '/count' }
  return { host: '127.0.0.1', port, tls: false, policy, profile: 'any', paths }
}

const failsWith = (message: RegExp) => (error: unknown) => error instanceof CaseError && message.test(error.message)

describe('the keep-alive race', () => {
  const few = { connections: 10, requests: 20 }

  test('is won on a server that keeps its promise', async () => {
    const server = createServer({ keepAliveTimeout: 3_000 }, (_, res) => res.setHeader('Keep-Alive', 'timeout=1').end())
    assert.equal(await keepAliveRace(await listening(server), few), '0 of 20 lost')
  })

  test('is lost on one that hangs up earlier than it says', async () => {
    const server = createServer((req, res) => {
      res.setHeader('Keep-Alive', 'timeout=1').end()
      setTimeout(() => req.socket.destroy(), 700)
    })
    await assert.rejects(keepAliveRace(await listening(server), few), failsWith(/before the time|lost/))
  })

  test('counts a request that was sent and not answered', async () => {
    let requests = 0
    const server = createServer((req, res) => {
      if (++requests === 15) req.socket.destroy()
      else res.setHeader('Keep-Alive', 'timeout=1').end()
    })
    await assert.rejects(keepAliveRace(await listening(server), few), failsWith(/1 of 20 requests lost/))
  })
})

describe('a drain under load', () => {
  const load = { signal: 'SIGTERM', idle: 3, busy: 2, active: 5, beforeMs: 500, exitWithinMs: 1_000 } as const

  /**
   * A server that drains as it should, and then says that it has executed so many POSTs more than
   * it answered.
   */
  async function draining(hidden: number, code: number): Promise<Target> {
    let posts = 0
    let last = false
    const { promise, resolve } = Promise.withResolvers<Awaited<ServerProcess['exited']>>()
    const server = createServer((req, res) => {
      if (req.method === 'POST') posts += 1
      setTimeout(
        () => {
          if (last) res.setHeader('Connection', 'close')
          res.end()
        },
        req.url === '/' || req.method === 'POST' ? 1 : 700,
      )
    })
    const target = await listening(server)
    const signal = () => {
      last = true
      // Not http's own close(): that ends idle connections at once, under a request that is on its
      // way.
      TcpServer.prototype.close.call(server, () => resolve({ code, stdout: `posts=${posts + hidden}\n` }))
      setTimeout(() => server.closeIdleConnections(), 200)
    }
    return { ...target, process: { signal, exited: promise } }
  }

  test('passes when every POST that was executed is answered', async () => {
    assert.match(await drainUnderLoad(await draining(0, 0), load), /^\d+ of \d+ answered/)
  })

  test('fails for a single POST that was executed and not answered', async () => {
    await assert.rejects(drainUnderLoad(await draining(1, 0), load), failsWith(/POSTs executed, \d+ answered/))
  })

  test('fails when the process says that something was cut', async () => {
    await assert.rejects(drainUnderLoad(await draining(0, 1), load), failsWith(/exit code 1/))
  })
})
