/**
 * The command as a user runs it: a configuration file that changes under a connection that stays.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, get, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hangupOn, runtimeNames } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'

const backends: Record<string, Server> = {}
let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangup-reload-'))
  for (const name of ['one', 'two']) {
    const server = createServer((_, response) => response.end(name)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    backends[name] = server
  }
})
after(async () => {
  for (const server of Object.values(backends)) {
    server.closeAllConnections()
    server.close()
  }
  await rm(folder, { recursive: true })
})

const portOf = (name: string) => (backends[name]!.address() as AddressInfo).port

/** The answer, and the connection that it came on. */
function ask(url: string, agent: Agent): Promise<{ text: string; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, async (response) => {
      const { socket } = response
      let text = ''
      for await (const piece of response) text += piece
      resolve({ text, socket })
    })
    request.on('error', reject)
  })
}

for (const runtime of runtimeNames) {
  describe(`hangup gateway on ${runtime}`, { timeout: 30_000 }, () => {
    test('takes a new configuration under an open connection, refuses a wrong one, and drains', async (t) => {
      const path = join(folder, `${runtime}.json`)
      const put = async (to: string) => {
        await writeFile(
          `${path}.new`,
          JSON.stringify({ listen: { port: 0, host: '127.0.0.1' }, idleTimeoutMs: '20s', to }),
        )
        await rename(`${path}.new`, path)
      }
      await put(`http://127.0.0.1:${portOf('one')}`)
      const flags = ['--config', path, '--report', 'json', '--log', 'text']
      const gateway = await startServer(t, hangupOn(runtime, 'gateway', ...flags))
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const { url } = gateway
        const first = await ask(url, agent)
        assert.equal(first.text, 'one')

        await put(`http://127.0.0.1:${portOf('two')}`)
        assert.match(await gateway.nextLine('stderr'), /reloaded .*\[RELOADED\]$/)
        const second = await ask(url, agent)
        assert.equal(second.text, 'two')
        assert.equal(second.socket, first.socket)

        await put('ftp://nowhere')
        assert.match(await gateway.nextLine('stderr'), /reload refused.*does not speak ftp.*\[RELOAD_REFUSED\]$/)
        gateway.signal('SIGHUP')
        assert.match(await gateway.nextLine('stderr'), /\[RELOAD_REFUSED\]$/)
        const third = await ask(url, agent)
        assert.equal(third.text, 'two')
        assert.equal(third.socket, first.socket)

        gateway.signal('SIGTERM')
        assert.equal((await gateway.exited).code, 0)
      } finally {
        agent.destroy()
      }
    })
  })
}
