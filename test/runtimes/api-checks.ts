/**
 * The API in code, as a test of somebody's application uses it: servers and their clients in one
 * process. Runs under each runtime with the engine's name as its argument, and prints a line of
 * JSON for each check.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App, EngineChoice, Running, ServeOptions } from '../../src/serve/contract.ts'
import { Client } from '../lib/client.ts'

const engine = process.argv[2] as EngineChoice
const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve } = (await import(`../../runtimes/${runtime}/index.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
}

let begun = () => {}
async function app(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === '/slow') {
    begun()
    await sleep(400)
    return new Response('late\n')
  }
  return new Response('hello\n')
}

const lines: string[] = []
/** A drain with these would take more than 20 s. */
const slowDrain = { minIdleMs: 10_000, drainDelayMs: 10_000, drainSpreadMs: 10_000, drainTimeoutMs: 60_000 }
const listening = (options: ServeOptions = {}) =>
  serve(app, {
    port: 0,
    host: '127.0.0.1',
    engine,
    idleTimeoutMs: 60_000,
    ...options,
    log: ({ message }) => void lines.push(message),
  })

const asking = ({ port }: { readonly port: number }, path: string): Client => new Client(port).get(path)
/** Until all that it has heard ends so. */
async function receives(client: Client, text: string): Promise<void> {
  while (!client.text.endsWith(text)) await sleep(5)
}

async function within<T>(ms: number, what: Promise<T>): Promise<T> {
  const from = performance.now()
  const value = await what
  const tookMs = Math.round(performance.now() - from)
  assert.ok(tookMs < ms, `it took ${tookMs} ms`)
  return value
}

/** A request that the application has, and that is not answered. */
async function inFlight(server: Running): Promise<Client> {
  const asked = new Promise<void>((resolve) => {
    begun = resolve
  })
  const client = asking(server.address, '/slow')
  await asked
  return client
}

const checks: readonly (readonly [name: string, check: () => Promise<void>])[] = [
  [
    'address says what is listened on, and url how to get there',
    async () => {
      await using server = await listening()
      const { address } = server
      assert.ok(address.port > 0)
      const url = `http://127.0.0.1:${address.port}/`
      assert.deepEqual(address, { url, family: 'IPv4', host: '127.0.0.1', port: address.port, path: null })
      assert.equal(server.url, url)
      assert.equal(await (await fetch(url)).text(), 'hello\n')
    },
  ],
  [
    'a name is told by the address that it stands for',
    async () => {
      await using server = await listening({ host: 'localhost' })
      const { family, host, port, url } = server.address
      assert.ok((family === 'IPv4' && host === '127.0.0.1') || (family === 'IPv6' && host === '::1'), host)
      assert.equal(url, `http://localhost:${port}/`)
    },
  ],
  [
    'without a host, and with one of IPv6, the address says so',
    async () => {
      await using all = await serve(app, { port: 0, engine })
      assert.match(`${all.address.family} ${all.address.host}`, /^(IPv6 ::|IPv4 0\.0\.0\.0)$/)
      assert.equal(all.url, `http://localhost:${all.address.port}/`)
      await using own = await listening({ host: '::1' })
      assert.deepEqual([own.address.family, own.address.host], ['IPv6', '::1'])
      assert.equal(own.url, `http://[::1]:${own.address.port}/`)
    },
  ],
  ...(engine === 'hangup'
    ? ([
        [
          'on a Unix socket the address is its path, which is gone with the server',
          async () => {
            const unix = join(tmpdir(), `hangup-api-${runtime}-${process.pid}.sock`)
            const server = await serve(app, { unix, engine })
            const { url, ...rest } = server.address
            assert.deepEqual(rest, { family: 'unix', host: '', port: 0, path: unix })
            assert.equal(url, `http+unix://${encodeURIComponent(unix)}/`)
            await server.close()
            assert.ok(!existsSync(unix))
          },
        ],
      ] as const)
    : []),
  [
    'onListen is given the server, which answers already; serve() waits for it',
    async () => {
      let told: { server: Running; body: string } | null = null
      await using server = await listening({
        async onListen(server) {
          told = { server, body: await (await fetch(server.url)).text() }
        },
      })
      assert.deepEqual(told, { server, body: 'hello\n' })
    },
  ],
  [
    'an onListen that fails closes the server, and is what serve() rejects with',
    async () => {
      let port = 0
      const failure = new Error('not today')
      const failed = listening({
        onListen({ address }) {
          port = address.port
          throw failure
        },
      })
      await assert.rejects(failed, failure)
      await using again = await listening({ port })
      assert.equal(again.address.port, port)
    },
  ],
  [
    'close() closes idle connections at once, whatever a drain would wait for, and frees the port',
    async () => {
      const server = await listening(slowDrain)
      const idle = asking(server.address, '/')
      const silent = new Client(server.address.port)
      await receives(idle, 'hello\n')
      assert.deepEqual(await within(2_000, server.close()), { cut: 0 })
      await within(1_000, Promise.all([idle.closed, silent.closed]))
      assert.equal(server.phase, 'closed')
      await using again = await listening({ port: server.address.port })
      assert.equal(await (await fetch(again.url)).text(), 'hello\n')
    },
  ],
  [
    'close() lets a request in flight finish, and its answer says that the connection ends',
    async () => {
      const server = await listening(slowDrain)
      const client = await inFlight(server)
      const closing = server.close()
      await assert.rejects(fetch(server.url))
      assert.deepEqual(await within(3_000, closing), { cut: 0 })
      await client.closed
      assert.match(client.text, /^HTTP\/1\.1 200 .*\r\nconnection: close\r\n.*late\n/is)
    },
  ],
  [
    'close() cuts what is in flight when drainTimeoutMs is over',
    async () => {
      const server = await listening({
        ...slowDrain,
        minIdleMs: 0,
        drainDelayMs: 0,
        drainSpreadMs: 0,
        drainTimeoutMs: 100,
      })
      const client = await inFlight(server)
      assert.deepEqual(await within(390, server.close()), { cut: 1 })
      await client.closed
      assert.equal(client.text, '')
    },
  ],
  [
    'close({ fast: true }) cuts what is in flight, and frees the port',
    async () => {
      const server = await listening(slowDrain)
      const client = await inFlight(server)
      assert.deepEqual(await within(300, server.close({ fast: true })), { cut: 1 })
      await client.closed
      assert.equal(client.text, '')
      await using again = await listening({ port: server.address.port })
      assert.equal(await (await fetch(again.url)).text(), 'hello\n')
    },
  ],
  [
    'close() may be called as often as one likes, beside a drain and behind a kill()',
    async () => {
      const server = await listening(slowDrain)
      const client = asking(server.address, '/')
      await receives(client, 'hello\n')
      const drained = server.drain()
      const closed = await within(2_000, Promise.all([server.close(), server.close(), drained]))
      assert.deepEqual(closed, [{ cut: 0 }, { cut: 0 }, { cut: 0 }])
      assert.deepEqual(await server.close({ fast: true }), { cut: 0 })
      const killed = await listening()
      await killed.kill()
      assert.deepEqual(await killed.close(), { cut: 0 })
      await killed[Symbol.asyncDispose]()
    },
  ],
  [
    'await using closes the server at the end of the block, also when that throws',
    async () => {
      let server: Running | null = null
      const failure = new Error('a test that fails')
      const block = async (): Promise<void> => {
        await using own = await listening(slowDrain)
        server = own
        await receives(asking(own.address, '/'), 'hello\n')
        throw failure
      }
      await assert.rejects(within(2_000, block()), failure)
      const { phase, address } = server as unknown as Running
      assert.equal(phase, 'closed')
      await using again = await listening({ port: address.port })
      assert.equal(again.address.port, address.port)
    },
  ],
  [
    'beside a server that has put its classes in the globals’ place it answers as well',
    async () => {
      await using other = await listening({ engine: 'hangup', globals: 'replace' })
      await using server = await serve(
        (request) => {
          if (new URL(request.url).pathname === '/stream') {
            const stream = new Response('streamed').body
            return new Response(stream, { status: 201, headers: { 'x-a': '1' } })
          }
          if (new URL(request.url).pathname === '/thrown')
            throw { getResponse: () => new Response('', { status: 418 }) }
          return new Response(request.method)
        },
        { port: 0, host: '127.0.0.1', engine, log: ({ message }) => void lines.push(message) },
      )
      assert.equal(await (await fetch(other.url)).text(), 'hello\n')
      assert.equal(await (await fetch(server.url, { method: 'POST', body: 'a' })).text(), 'POST')
      const streamed = await fetch(`${server.url}stream`)
      assert.deepEqual([streamed.status, streamed.headers.get('x-a'), await streamed.text()], [201, '1', 'streamed'])
      assert.equal((await fetch(`${server.url}thrown`)).status, 418)
    },
  ],
  [
    'a server that is closed leaves no signal handler behind; a drain takes it away, too',
    async () => {
      const handlers = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
      const before = handlers()
      const servers = await Promise.all([listening(), listening(), listening()])
      assert.equal(handlers(), before + 6)
      const [first, second, third] = servers as [Running, Running, Running]
      await Promise.all([first.close(), second.drain({ announce: false }), third.kill()])
      assert.equal(handlers(), before)
    },
  ],
]

for (const [name, check] of checks) {
  let error: string | null = null
  try {
    await check()
  } catch (failure) {
    error = String((failure as Error)?.stack ?? failure)
  }
  console.log(JSON.stringify({ name, error }))
}
