/**
 * Bodies of bytes on Node, which are written from where they lie if the handler answers at once:
 * whatever the application does with its bytes afterwards, no client sees it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as aTurn, setTimeout as wait } from 'node:timers/promises'
import { serve } from '../../runtimes/node/index.ts'
import type { AccessEntry } from '../../src/observe/access.ts'
import type { Running } from '../../src/serve/contract.ts'
import { Client, get } from '../lib/client.ts'
import { tlsTexts } from '../lib/runtimes.ts'

const letter = { a: 97, b: 98, x: 120 } as const
/** More than the kernel takes for a client that does not read. */
const large = 24 * 2 ** 20
const close = 'Connection: close\r\n'

/** Keeps the bytes of bodies as they are. */
class Reader extends Client {
  readonly #pieces: Buffer[] = []

  protected override received(data: Buffer): void {
    this.#pieces.push(data)
  }

  /** Of all that came, how often each letter is there, behind each head. */
  async bodies(): Promise<readonly string[]> {
    await this.ended
    this.destroy()
    const [, ...bodies] = Buffer.concat(this.#pieces)
      .toString('latin1')
      .split(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/)
    return bodies.map((body) => [...new Set(body)].map((each) => `${body.split(each).length - 1}${each}`).join(' '))
  }
}

type Handler = () => Response | Promise<Response>

/** Used by everybody, as an encoder's buffer may be. */
const scratch = new Uint8Array(large)
const errors: unknown[] = []
let kept: Response | null = null

function filled(code: number, length = 100_000): Uint8Array<ArrayBuffer> {
  return scratch.subarray(0, length).fill(code)
}

const handlers: Readonly<Record<string, Handler>> = {
  '/small': () => {
    const bytes = filled(letter.a, 10)
    queueMicrotask(() => bytes.fill(letter.x))
    return new Response(bytes)
  },
  '/large': () => {
    const bytes = filled(letter.a, large)
    queueMicrotask(() => bytes.fill(letter.x))
    return new Response(bytes)
  },
  '/late': async () => {
    const response = new Response(filled(letter.a))
    await aTurn()
    scratch.fill(letter.x)
    return response
  },
  '/behind': async () => {
    const response = new Response(filled(letter.a))
    queueMicrotask(() => scratch.fill(letter.x))
    return response
  },
  '/keep': () => {
    kept = new Response(filled(letter.a))
    const other = new Response(new Uint8Array(10).fill(letter.b))
    queueMicrotask(() => scratch.fill(letter.x))
    return other
  },
  '/kept': () => kept!,
  '/clone': () => {
    const response = new Response(filled(letter.a))
    const copy = response.clone()
    scratch.fill(letter.x)
    return copy
  },
  '/wrapped': () => {
    const response = new Response(filled(letter.a))
    const wrapped = new Response(response.body, response)
    scratch.fill(letter.x)
    return wrapped
  },
  '/changed': () => {
    const response = new Response(filled(letter.a))
    scratch.fill(letter.x)
    return response
  },
  '/taken': () => {
    const bytes = new Uint8Array(10).fill(letter.a)
    const response = new Response(bytes)
    structuredClone(bytes, { transfer: [bytes.buffer] })
    return response
  },
  '/a': () => new Response(filled(letter.a)),
  '/b': () => new Response(filled(letter.b)),
}

for (const engine of ['native', 'hangup'] as const) {
  describe(`${engine} engine`, () => {
    let running: Running
    let secure: Running
    const logged: AccessEntry[] = []

    before(async () => {
      const app = (request: Request) => handlers[new URL(request.url).pathname]!()
      const options = { port: 0, host: '127.0.0.1', engine, globals: 'replace', signals: false, log: () => {} } as const
      running = await serve(app, {
        ...options,
        onError: (error) => {
          errors.push(error)
        },
        accessLog: (entry) => {
          logged.push(entry)
        },
      })
      secure = await serve(app, { ...options, tls: { certificates: [tlsTexts()] } })
    })

    after(async () => {
      await Promise.all([running.kill(), secure.kill()])
    })

    async function bodiesOf(...paths: readonly string[]): Promise<readonly string[]> {
      const client = await Reader.open(running.address.port)
      client.send(paths.map((path, index) => get(path, index === paths.length - 1 ? close : '')).join(''))
      return client.bodies()
    }

    test('bytes that are changed behind the return go out as they were', async () => {
      assert.deepEqual(await bodiesOf('/small'), ['10a'])
    })

    test('a client that reads late gets all of them as they were', async () => {
      const client = await Reader.open(running.address.port)
      client.socket.pause()
      client.send(get('/large', close))
      await wait(200)
      scratch.fill(letter.x)
      client.socket.resume()
      assert.deepEqual(await client.bodies(), [`${large}a`])
    })

    test('a handler that waits, or is async, has a copy of them', async () => {
      assert.deepEqual(await bodiesOf('/late', '/behind'), ['100000a', '100000a'])
    })

    test('a Response that is kept for later has a copy of them', async () => {
      assert.deepEqual(await bodiesOf('/keep'), ['10b'])
      assert.deepEqual(await bodiesOf('/kept'), ['100000a'])
    })

    test('a clone, and what is made of a body, have a copy of them', async () => {
      assert.deepEqual(await bodiesOf('/clone', '/wrapped'), ['100000a', '100000a'])
    })

    test('pipelined requests that share a buffer get what is theirs', async () => {
      assert.deepEqual(await bodiesOf('/a', '/b', '/a'), ['100000a', '100000b', '100000a'])
    })

    test('what a handler makes of its bytes before it returns goes out', async () => {
      assert.deepEqual(await bodiesOf('/changed'), ['100000x'])
    })

    test('a buffer that is given away is a 500, not an empty body', async () => {
      errors.length = 0
      const client = await Client.open(running.address.port)
      client.send(get('/taken', close))
      await client.ended
      client.destroy()
      assert.match(client.text, /^HTTP\/1\.1 500 /)
      assert.match(String(errors), /detached/)
    })

    test('the access log counts them', async () => {
      logged.length = 0
      await bodiesOf('/a')
      const [bytes] = logged.flatMap((entry) => (entry.kind === 'request' ? [entry.bytes ?? 0] : []))
      assert.ok(bytes !== undefined && bytes > 100_000 && bytes < 100_500, `${bytes}`)
    })

    test('under TLS they are copied when the Response is made', async () => {
      const client = await Reader.open({ port: secure.address.port, tls: {} })
      client.send(get('/changed', close))
      assert.deepEqual(await client.bodies(), ['100000a'])
    })
  })
}
