/**
 * `hangup gateway --workers`: a reload and a roll under load, and its upstreams as the parent's
 * admin listener tells them.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { runtimeNames } from '../lib/runtimes.ts'
import { childrenOf, startCluster, until } from './command.ts'
import { Load } from './load.ts'

describe('hangup gateway --workers', { concurrency: true, timeout: 90_000 }, () => {
  for (const runtime of runtimeNames) {
    test(`on ${runtime} SIGHUP reloads in every worker, SIGUSR2 replaces them, and nobody is lost`, async (t) => {
      const backend = createServer((_, response) => response.end('backend')).listen(0, '127.0.0.1')
      t.after(() => {
        backend.close()
        backend.closeAllConnections()
      })
      await new Promise((resolve) => backend.once('listening', resolve))
      const to = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`
      const flags = ['--to', to, '--host', '127.0.0.1', '--port', '0', '--workers', '2', '--admin', '0']
      const server = await startCluster(t, runtime, ['gateway', ...flags])
      const workers = childrenOf(server.pid)
      const load = new Load(t, server.port, 4)
      await until(() => load.answered > 100, server.stderr)

      server.signal('SIGHUP')
      await until(() => server.logged('RELOADED') === 2, server.stderr)
      assert.deepEqual(childrenOf(server.pid), workers)
      const upstreams = await (await fetch(`${server.admin}upstreams`)).json()
      assert.equal(Object.values(upstreams.groups as object).flat().length, 1, 'both have the same one')

      server.signal('SIGUSR2')
      await until(() => server.logged('ROLLED') === 1, server.stderr)
      await until(() => load.answered > 500, server.stderr)
      await load.end()
      assert.deepEqual([load.lost, load.refused], [[], []])
      const summary = await (await fetch(`${server.admin}summary`)).json()
      assert.ok(summary.requests >= load.answered, `${summary.requests} of ${load.answered}`)
      server.signal('SIGTERM')
      assert.equal(await server.status, 0, server.stderr())
    })
  }
})
