/** The command as a user runs it: a configuration file that changes under a connection that stays. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, get, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const runtimes = {
  node: ['node_modules/.bin/node'],
  bun: ['node_modules/.bin/bun'],
  deno: ['node_modules/.bin/deno', 'run', '-A'],
}
/** Without the variables of whoever runs the tests. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HANGUP_|PORT$)/.test(name)))

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

async function* lines(child: ChildProcess, stream: 'stdout' | 'stderr'): AsyncGenerator<string> {
  for await (const line of createInterface(child[stream]!)) yield line
}

for (const [runtime, [program = '', ...args]] of Object.entries(runtimes)) {
  describe(`hangup gateway on ${runtime}`, { timeout: 30_000 }, () => {
    test('takes a new configuration under an open connection, refuses a wrong one, and drains', async () => {
      const path = join(folder, `${runtime}.json`)
      const put = async (to: string) => {
        await writeFile(
          `${path}.new`,
          JSON.stringify({ listen: { port: 0, host: '127.0.0.1' }, idleTimeoutMs: '20s', to }),
        )
        await rename(`${path}.new`, path)
      }
      await put(`http://127.0.0.1:${portOf('one')}`)
      const flags = ['gateway', '--config', path, '--report', 'json', '--log', 'text']
      const child = spawn(program, [...args, 'src/cli.ts', ...flags], { cwd: root, env })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const said = lines(child, 'stderr')
        const { value: started } = await lines(child, 'stdout').next()
        const [url] = JSON.parse(started).urls
        const first = await ask(url, agent)
        assert.equal(first.text, 'one')

        await put(`http://127.0.0.1:${portOf('two')}`)
        assert.match((await said.next()).value, /reloaded .*\[RELOADED\]$/)
        const second = await ask(url, agent)
        assert.equal(second.text, 'two')
        assert.equal(second.socket, first.socket)

        await put('ftp://nowhere')
        assert.match((await said.next()).value, /reload refused.*does not speak ftp.*\[RELOAD_REFUSED\]$/)
        child.kill('SIGHUP')
        assert.match((await said.next()).value, /\[RELOAD_REFUSED\]$/)
        const third = await ask(url, agent)
        assert.equal(third.text, 'two')
        assert.equal(third.socket, first.socket)

        child.kill('SIGTERM')
        const [status] = await once(child, 'exit')
        assert.equal(status, 0)
      } finally {
        agent.destroy()
        child.kill('SIGKILL')
      }
    })
  })
}
