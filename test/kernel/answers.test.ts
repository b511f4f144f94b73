/**
 * What an application may answer with, and what the native engines of Bun and Deno under the kernel
 * ledger make of it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { runtimeCommands } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const app = new URL('answers-app.ts', import.meta.url).href
const options = { app, engine: 'native', maxConnections: 100, discardTimeoutMs: 500 }

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
  readonly whole: boolean
}

/** On a connection of its own. */
function ask(port: number, method: string, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const over = (): void => {
      clearTimeout(timer)
      socket.destroy()
      const [head = '', ...rest] = text.split('\r\n\r\n')
      const raw = rest.join('\r\n\r\n')
      const isChunked = /^transfer-encoding: chunked/im.test(head)
      const length = /^content-length: (\d+)/im.exec(head)?.[1]
      const body = isChunked ? raw.replace(/[0-9a-f]+\r\n(.*)\r\n/g, '$1') : raw
      const whole = method === 'HEAD' || (isChunked ? raw.endsWith('0\r\n\r\n') : body.length === Number(length ?? 0))
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0)
      resolve({ status, head, body: body.replace(/0\r\n\r\n$|\r\n$/, ''), whole })
    }
    const timer = setTimeout(over, 400)
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
    })
    socket.on('close', over).on('error', () => {})
    const body = method === 'POST' ? 'Content-Length: 5\r\n\r\nabcde' : '\r\n'
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${body}`)
  })
}

const lengthOf = ({ head }: Answer) => /^content-length: (\d+)/im.exec(head)?.[1]

const unusable = ['/nothing', '/text', '/object', '/error', '/used', '/locked', '/locked-text']
const thrown = ['/throws', '/throws-text', '/throws-null', '/brings-nothing']

for (const name of ['deno', 'bun'] as const) {
  test(`${name}: answers`, { skip }, async (t) => {
    const server = await startListener(t, runtimeCommands[name], options)
    const get = (path: string) => ask(server.port, 'GET', path)
    const told = async (): Promise<string[]> => JSON.parse(await server.say('told'))

    await t.test('what is no usable answer, and what is thrown, is a 500 and told of once', async () => {
      const paths = [...unusable, ...thrown].flatMap((path) => [path, `${path}?later`])
      const methods = ['GET', 'POST', 'HEAD']
      const asked = paths.flatMap((path) => methods.map((method) => ({ path, method })))
      const given = await Promise.all(asked.map(({ path, method }) => ask(server.port, method, path)))
      for (const [index, { status, body, head }] of given.entries()) {
        const { method, path } = asked[index]!
        assert.equal(status, 500, `${method} ${path}`)
        assert.equal(body, method === 'HEAD' ? '' : 'Internal Server Error\n', `${method} ${path}`)
        assert.doesNotMatch(head, /secret/)
      }
      const lines = await told()
      for (const { method, path } of asked) {
        const said = lines.filter((line) => line.startsWith(`${method} ${path.replace('?later', '')} `))
        assert.equal(said.length, 2, `${method} ${path}: ${said.join()}`)
      }
      assert.equal(lines.length, asked.length)
    })

    await t.test('an answer that was given before is none, and one that an error brings is one', async () => {
      assert.equal((await get('/shared')).body, 'shared')
      assert.equal((await get('/shared')).status, 500)
      const { status, body } = await get('/brings')
      assert.deepEqual([status, body], [418, 'brought'])
      assert.match(String(await told()), /^GET \/shared UnusableResponseError: [^,]*$/)
    })

    await t.test(
      'no byte goes out beyond a stream’s length; with fewer it never looks whole, and is at its end',
      async () => {
        const [whole, more, fewer, text] = await Promise.all(['/whole', '/more', '/fewer', '/text-of-twelve'].map(get))
        assert.deepEqual([whole!.body, whole!.whole], ['piecepiece', true])
        assert.deepEqual([more!.body, more!.whole], ['piecepiecepi', true])
        assert.equal(fewer!.whole, false)
        assert.deepEqual([text!.body, text!.whole], ['hello', true])
        const lines = await told()
        assert.equal(
          lines.filter((line) => /^GET \/(more|fewer) ContentLengthError: Content-Length is 12/.test(line)).length,
          2,
        )
        assert.equal(lines.length, 2)
      },
    )

    await t.test('a stream that fails never looks whole, and is told of', async () => {
      for (const path of ['/fails', '/fails-at-once']) {
        const { whole, body } = await get(path)
        assert.equal(whole && body !== '', false, path)
        assert.deepEqual(await told(), [`GET ${path} Error: secret`])
      }
    })

    await t.test('HEAD says the length of GET or none', async () => {
      const paths = ['/hello', '/null', '/stream', '/whole', '/empty', '/text-of-twelve', '/204', '/304']
      await Promise.all(
        paths.map(async (path) => {
          const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => ask(server.port, method, path)))
          assert.equal(head!.status, get!.status)
          assert.equal(head!.body, '')
          const said = lengthOf(head!)
          if (path === '/null') assert.equal(said, undefined, 'the body may be one that a framework has let go of')
          else if (said !== undefined && path !== '/whole') assert.equal(said, lengthOf(get!), path)
          if (path === '/hello' || path === '/text-of-twelve') assert.equal(said, '5')
          if (path === '/whole') assert.equal(said, '10')
        }),
      )
      assert.equal(lengthOf(await ask(server.port, 'HEAD', '/null-of-twelve')), '12')
    })

    await t.test('nothing of all that is left behind', async () => {
      await delay(1_500)
      const { open, busy } = JSON.parse(await server.say('connections'))
      assert.deepEqual([open, busy], [0, 0])
      assert.equal((await get('/hello')).body, 'hello')
      assert.equal(server.stderr(), '')
    })
  })
}

/** One request from this port; RST right after the answer, so that the port is free at once. */
function askFrom(localPort: number, port: number, tls: boolean): Promise<string> {
  return new Promise((resolve) => {
    const raw = connect({ port, host: '127.0.0.1', localPort })
    const socket = tls ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw
    const over = (text: string): void => {
      clearTimeout(timer)
      raw.resetAndDestroy()
      resolve(text)
    }
    const timer = setTimeout(() => over('never answered'), 2_000)
    for (const each of [raw, socket]) each.on('error', (error) => over(`${error}`))
    socket.once('data', (data) => over(data.toString('latin1').slice(0, 12)))
    socket.on('close', () => over('closed'))
    socket.write('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n')
  })
}

for (const name of ['deno', 'bun'] as const) {
  for (const secure of [false, true]) {
    test(`${name}${secure ? ' with TLS' : ''}: a port that is used again after a last answer is answered`, {
      skip,
    }, async (t) => {
      const tls = secure ? { tls: { cert: pem('cert'), key: pem('key') } } : {}
      const { port } = await startListener(t, runtimeCommands[name], {
        ...options,
        ...tls,
        maxRequestsPerConnection: 1,
      })
      // One that is not asked for by anybody meanwhile: of a listener that is gone.
      const free = createServer().listen(0, '127.0.0.1')
      await once(free, 'listening')
      const { port: localPort } = free.address() as AddressInfo
      await new Promise((resolve) => free.close(resolve))
      for (let turn = 0; turn < 10; turn++) {
        assert.equal(await askFrom(localPort, port, secure), 'HTTP/1.1 200', `turn ${turn}`)
      }
    })
  }
}

test('deno over HTTP/2: HEAD gets the head of GET and no DATA', { skip }, async (t) => {
  const tls = { cert: pem('cert'), key: pem('key') }
  const { port } = await startListener(t, runtimeCommands.deno, { ...options, tls })
  const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.after(() => client.destroy())
  const failures: Error[] = []
  client.on('error', (error) => failures.push(error))
  for (const path of [
    '/hello',
    '/stream',
    '/whole',
    '/null',
    '/null-of-twelve',
    '/204',
    '/text-of-twelve',
    '/nothing',
  ]) {
    for (const query of ['', '?later']) {
      const asked = client.request({ ':method': 'HEAD', ':path': path + query })
      let bytes = 0
      asked.on('data', (data) => {
        bytes += data.length
      })
      const [[fields]] = await Promise.all([once(asked, 'response'), once(asked, 'close')])
      assert.equal(bytes, 0)
      if (path === '/hello') assert.equal(fields['content-length'], '5')
      if (path === '/whole') assert.equal(fields['content-length'], '10')
    }
  }
  assert.deepEqual(failures, [])
})
