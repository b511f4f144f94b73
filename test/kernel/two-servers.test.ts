/** A connection belongs to the listener whose address it has, though another of the process has the same port. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runtimeCommands } from '../fixtures/start.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const root = new URL('../..', import.meta.url)

class Client {
  readonly socket: Socket
  text = ''
  readonly closed: Promise<unknown>

  constructor(port: number, host: string) {
    this.socket = connect(port, host).setEncoding('latin1')
    this.socket
      .on('error', () => {})
      .on('data', (text) => {
        this.text += text
      })
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
  }

  ask(ms: number): this {
    this.socket.write(`GET /?ms=${ms} HTTP/1.1\r\nHost: a\r\n\r\n`)
    return this
  }

  async answered(): Promise<boolean> {
    while (!this.text.endsWith('answered') && !this.socket.destroyed) await delay(10)
    return /^HTTP\/1\.1 200 /.test(this.text)
  }
}

for (const runtime of ['deno', 'bun'] as const) {
  test(`${runtime}: two servers leave each other’s connections and listeners alone`, {
    skip,
    timeout: 20_000,
  }, async (t) => {
    const [program, ...args] = runtimeCommands[runtime]
    const child = spawn(program, [...args, 'test/kernel/two-servers.ts'], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const say = async (line: string) => {
      child.stdin.write(`${line}\n`)
      return JSON.parse((await lines.next()).value!)
    }
    const port = Number((await lines.next()).value!)

    const slow = new Client(port, '127.0.0.1').ask(2_500)
    const idle = new Client(port, '127.0.0.1').ask(0)
    const head = new Client(port, '127.0.0.1')
    head.socket.write('GET / HTTP/1.1\r\n')
    const other = new Client(port, '127.0.0.2').ask(0)
    await delay(500)
    const open = (await say('connections')).map((summary: { open: number }) => summary.open)
    assert.deepEqual(open, [3, 1])
    // The limits of the second are a second, those of the first are longer.
    await other.closed
    assert.ok(await other.answered())
    assert.ok(await slow.answered())
    for (const { socket } of [slow, idle, head]) assert.equal(socket.destroyed, false)

    assert.deepEqual(await say('drain'), { cut: 0 })
    for (const { socket } of [slow, idle, head]) assert.equal(socket.destroyed, false)
    assert.ok(await new Client(port, '127.0.0.1').ask(0).answered(), 'it still accepts')
    const refused = connect(port, '127.0.0.2')
    const [error] = await once(refused, 'error')
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  })
}
