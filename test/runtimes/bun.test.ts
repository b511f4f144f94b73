/**
 * The Bun entry from outside, on sockets; what every runtime has to do alike is the conformance
 * suite's.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Client, get } from '../lib/client.ts'
import { run } from '../lib/program.ts'
import { commandOn, tlsFlags } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Variant {
  readonly entry: readonly string[]
  /** When a connection is ended whose `idleTimeoutMs` is 2 s. */
  readonly idleWindow: readonly [number, number]
  /** When a reader is cut off whose `writeTimeoutMs` is 2 s. */
  readonly writeWindow: readonly [number, number]
  /**
   * What becomes of the connection of a client whose body was refused, and which has sent 8 MB on.
   */
  readonly afterRefusal: 'open' | 'fin'
  /** From when `minIdleMs` spares a connection that was idle when the drain began. */
  readonly sparedFrom: 'answer' | 'drain'
  readonly heldInPart: readonly (readonly [flag: string, value: string])[]
}

const variants: Readonly<Record<'ledger' | 'clocked', Variant>> = {
  ledger: {
    entry: ['runtimes/bun.ts', '--engine', 'native'],
    idleWindow: [1_950, 2_400],
    writeWindow: [1_900, 2_600],
    afterRefusal: 'fin',
    sparedFrom: 'answer',
    heldInPart: [
      ['--head-timeout', '20s'],
      ['--handshake-timeout', '9s'],
    ],
  },
  clocked: {
    entry: ['test/runtimes/bun-idle-timer-entry.ts'],
    // Two steps of Bun's clock.
    idleWindow: [3_950, 8_600],
    writeWindow: [1_900, 9_000],
    afterRefusal: 'open',
    sparedFrom: 'drain',
    heldInPart: [
      ['--idle-timeout', '5m'],
      ['--min-response-rate', '1kb/s'],
      ['--head-timeout', '20s'],
      ['--max-connections', '10'],
      ['--drain-spread', '1s'],
    ],
  },
}

const commandOf = ({ entry }: Variant, flags: readonly string[]) =>
  commandOn('bun', ...entry, ...['--host', '127.0.0.1', '--report', 'json', ...flags])

interface Stopped {
  readonly status: number | null
  /** What it printed after the report. */
  readonly out: string
}

async function start(variant: Variant, ...flags: string[]): Promise<Server & { stop(): Promise<Stopped> }> {
  const all = ['--port', '0', '--app', 'test/runtimes/bun-app.ts', ...flags]
  const server = await startServer(null, commandOf(variant, all))
  return {
    ...server,
    async stop() {
      server.signal('SIGTERM')
      const { code, stdout } = await server.exited
      return { status: code, out: stdout.slice(server.line.length + 1) }
    },
  }
}

/** It closes its side when it is told to, not with the server's. */
const open = (port: number): Client => new Client({ port, allowHalfOpen: true })

const post = (path: string, length: number | 'chunked', body = '') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`}\r\n\r\n${body}`

function assertWithin(ms: number, [least, most]: readonly [number, number], what: string): void {
  assert.ok(ms >= least && ms <= most, `${what} after ${Math.round(ms)} ms, expected ${least} to ${most}`)
}

// Each test has a server of its own and mostly waits: the two variants run side by side.
describe('the Bun entry', { concurrency: true }, () => {
  for (const [name, variant] of Object.entries(variants)) {
    describe(name, { concurrency: 1 }, () => {
      test(`clocks`, { concurrency: true }, async (t) => {
        const policy =
          '--idle-timeout 2s --body-timeout 1s --write-timeout 2s --stream-idle-timeout 12s --min-body-rate off'
        const server = await start(variant, ...policy.split(' '))
        const opened = () => open(server.port)
        const cases: Promise<void>[] = []
        const timed = (name: string, run: () => Promise<void>) => cases.push(t.test(name, run))

        for (const [name, request, method] of [
          ['an answer', '/'],
          ['a handler of 9 s', '/slow?ms=9000'],
          ['a stream that was quiet for 9 s', '/stream?ms=9000'],
          ['an answer to HEAD whose body would be a stream', '/stream?ms=100', 'HEAD'],
          ['an error', '/reject'],
        ] as const) {
          timed(`idle after ${name}: closed in time, never early`, async () => {
            // Bun's clock has one hand for all connections: where it stands decides how late it is.
            await Promise.all(
              [0, 1_300, 2_600].map(async (phaseMs) => {
                await sleep(phaseMs)
                const client = opened().send(get(request, '', method))
                await client.over(25_000)
                assert.equal(client.end, 'fin')
                assert.match(client.text, /^HTTP\/1\.1 [25]00 /)
                if (request.startsWith('/stream') && !method)
                  assert.match(client.text, /first\n.*last\n.*\r\n0\r\n\r\n$/s)
                // A client that is busy sees the answer late: at the earliest it left when its handler was done.
                const begunAt = Number(/^begun-at: (\d+)/im.exec(client.text)?.[1]) - performance.timeOrigin
                const handlerMs = method ? 0 : Number(/ms=(\d+)/.exec(request)?.[1] ?? 0)
                const [least, most] = variant.idleWindow
                assertWithin(client.endedAt - client.lastByteAt, [0, most], 'closed')
                assertWithin(client.endedAt - begunAt - handlerMs, [least, Infinity], 'closed')
              }),
            )
          })
        }

        timed('a body that falls silent is answered 408, chunked or announced, read whole or in chunks', async () => {
          for (const [path, body] of [
            ['/json', post('/json', 100, '{"a')],
            ['/json', post('/json', 'chunked', '3\r\n{"a\r\n')],
            ['/upload', post('/upload', 100, 'abc')],
          ] as const) {
            const client = await opened().send(body).over(5_000)
            assert.match(client.text, /^HTTP\/1\.1 408 .*connection: close/is, path)
            assert.equal(client.end, 'fin')
            assertWithin(client.endedAt - client.openedAt, [950, 1_900], 'answered')
          }
        })

        timed('a body that trickles on lives longer than every limit', async () => {
          const client = opened().send(post('/upload', 30))
          for (let sent = 0; sent < 30; sent++) {
            await sleep(400)
            client.send('x')
          }
          assert.match(await client.answers(), /200 OK.*30\n$/s)
          client.destroy()
        })

        timed('a handler that takes its time after a body is not blamed for it', async () => {
          const client = opened().send(post('/upload?ms=9000', 3, 'abc'))
          assert.match(await client.answers(), /200 OK.*3\n$/s)
          client.destroy()
        })

        for (const path of ['/endless', '/large?bytes=32mb']) {
          timed(`a client that takes nothing of ${path} is cut off`, async () => {
            const client = opened().send(get(path))
            await client.answers()
            client.socket.pause()
            const gone = () => {
              const of = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
              const ours = `0100007F:${of(server.port)} 0100007F:${of(client.socket.localPort ?? 0)} `
              const row = readFileSync('/proc/net/tcp', 'utf8')
                .split('\n')
                .find((line) => line.includes(ours))
              // 01 is ESTABLISHED: anything else, and the server holds no descriptor for it any more.
              return row === undefined || !row.includes(`${ours}01`)
            }
            const since = performance.now()
            while (!gone() && performance.now() - since < 12_000) await sleep(50)
            assertWithin(performance.now() - since, variant.writeWindow, 'cut off')
            client.destroy()
          })
        }

        timed('a client that reads slowly but steadily is not', async () => {
          const client = opened().send(get('/large?bytes=12mb'))
          await client.answers()
          client.socket.pause()
          client.socket.on('data', () => client.socket.pause())
          const [since, before] = [performance.now(), client.bytes]
          while (client.bytes <= 12 * 2 ** 20 && client.end === 'open') {
            await sleep(20)
            // The rest of it in ten seconds, however much Node has read in one go before.
            const share = (performance.now() - since) / 10_000
            if (client.bytes - before < (12 * 2 ** 20 - before) * share) client.socket.resume()
          }
          client.destroy()
          assert.ok(client.bytes > 12 * 2 ** 20, `only ${client.bytes} bytes`)
          assert.ok(performance.now() - since > 8_000, 'that was not slow')
        })

        timed('a stream that the application leaves silent fails, and never looks whole', async () => {
          const client = await opened().send(get('/stream?ms=20000')).over(15_000)
          assert.match(client.text, /first\n\r\n$/)
          assertWithin(client.endedAt - client.openedAt, [11_900, 13_500], 'ended')
        })

        await Promise.all(cases)
        assert.equal((await server.stop()).status, 0)
      })

      test(`answers`, async (t) => {
        const server = await start(variant, '--max-body', '64kb', '--max-head', '8kb')
        const opened = () => open(server.port)
        const ask = async (request: string, count = 1) => {
          const client = opened().send(request)
          await client.answers(count)
          await sleep(50)
          client.destroy()
          return client.text
        }

        await t.test('they carry the hint', async () => {
          assert.match(await ask(get('/')), /^HTTP\/1\.1 200 OK\r\n.*keep-alive: timeout=4\r\n/is)
        })

        await t.test('an error is a 500 that says nothing', async () => {
          for (const path of ['/throw', '/reject']) {
            const text = await ask(get(path))
            assert.match(text, /^HTTP\/1\.1 500 /)
            assert.doesNotMatch(text, /secret/)
          }
          const client = await opened().send(get('/failing')).over(3_000)
          assert.match(client.text, /first\r\n$/, 'a stream that fails must not look whole')
          assert.notEqual(client.end, 'open')
        })

        await t.test('the body reaches the application by every reader', async () => {
          const json = '{"a":[1,2]}'
          assert.match(await ask(post('/json', json.length, json)), /\{"a":\[1,2\]\}$/)
          assert.match(await ask(post('/echo', 'chunked', '5\r\nhello\r\n0\r\n\r\n')), /hello/)
          const form = await fetch(`http://127.0.0.1:${server.port}/form`, {
            method: 'POST',
            body: new URLSearchParams({ name: 'value' }),
          })
          assert.equal(await form.text(), 'value')
          const multipart = new FormData()
          multipart.set('name', 'part')
          const parts = await fetch(`http://127.0.0.1:${server.port}/form`, { method: 'POST', body: multipart })
          assert.equal(await parts.text(), 'part')
        })

        await t.test('the helpers of hono/bun work', async () => {
          assert.match(await ask(get('/whoami')), /127\.0\.0\.1$/)
          assert.match(await ask(post('/whoami', 2, 'me')), /me from 127\.0\.0\.1$/)
          const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`)
          const message = await new Promise((resolve, reject) => {
            socket.onopen = () => socket.send('hi')
            socket.onmessage = (event) => resolve(event.data)
            socket.onerror = reject
          })
          assert.equal(message, 'echo hi')
          socket.close()
        })

        await t.test('a head that is too large is answered 431', async () => {
          const head = (bytes: number) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(bytes)}\r\n\r\n`
          assert.match(await ask(head(7_000)), /^HTTP\/1\.1 200 /)
          const client = await opened().send(head(9_000)).over(3_000)
          assert.match(client.text, /^HTTP\/1\.1 431 /)
          assert.equal(client.end, 'fin')
        })

        await t.test('whoever sends on under a 413 still reads it whole', async () => {
          const megabyte = Buffer.alloc(2 ** 20)
          for (const kind of [8 * 2 ** 20, 'chunked'] as const) {
            for (const path of ['/upload', '/early']) {
              const client = opened().send(post(path, kind))
              for (let sent = 0; sent < 8; sent++) {
                client.send(
                  kind === 'chunked'
                    ? Buffer.concat([Buffer.from('100000\r\n'), megabyte, Buffer.from('\r\n')])
                    : megabyte,
                )
                await sleep(10)
              }
              if (kind === 'chunked') client.send('0\r\n\r\n')
              assert.match(await client.answers(1, 3_000), /^HTTP\/1\.1 413 /, `${path} ${kind}`)
              if (path === '/upload') {
                if (variant.afterRefusal === 'fin') await client.over(3_000)
                assert.equal(client.end, variant.afterRefusal)
              } else {
                // The application's own: kept if all had come before anybody looked.
                assert.notEqual(client.end, 'reset')
              }
              client.destroy()
            }
          }
        })

        await server.stop()
      })

      test(`the last answer of a connection says so, and closes it`, async () => {
        const counted = await start(variant, '--max-requests-per-connection', '3')
        const client = open(counted.port)
        for (let answer = 1; answer <= 3; answer++) {
          client.send(get('/'))
          const text = await client.answers(answer)
          assert.equal(/connection: close/i.test(text), answer === 3)
        }
        await client.over(1_000)
        assert.equal(client.end, 'fin')
        await counted.stop()

        const aged = await start(variant, '--max-connection-age', '1s')
        const old = open(aged.port)
        let answers = 0
        while (!/connection: close/i.test(old.text) && answers < 40) {
          old.send(get('/'))
          await old.answers(++answers)
          await sleep(50)
        }
        await old.over(1_000)
        assert.equal(old.end, 'fin')
        assertWithin(old.endedAt - old.openedAt, [850, 1_500], 'ended')
        await aged.stop()
      })

      test(`a handler that takes too long is answered 503`, async () => {
        const server = await start(variant, '--handler-timeout', '300ms')
        const client = open(server.port).send(get('/slow?ms=5000'))
        assert.match(await client.answers(), /^HTTP\/1\.1 503 /)
        assertWithin(performance.now() - client.openedAt, [250, 1_000], 'answered')
        client.destroy()
        await server.stop()
      })

      test(`a route has limits of its own, and no other has them`, async () => {
        const policy = '--body-timeout 1500ms --min-body-rate off --stream-idle-timeout 1s --max-body 64kb'
        const app = ['--port', '0', '--app', 'test/fixtures/routes-app.ts']
        const server = await startServer(null, commandOf(variant, [...app, ...policy.split(' ')]))
        const asked = (request: string) => open(server.port).send(request)
        const patient = asked(post('/patient/upload', 10, 'hello'))
        const own = asked(post('/upload', 10, 'hello'))
        const hasty = asked(post('/hasty/upload', 10, 'hello'))
        const large = asked(post('/patient/upload', 100_000, 'x'.repeat(100_000)))
        const tooLarge = asked(post('/upload', 100_000, 'x'.repeat(100_000)))
        const quiet = asked(get('/patient/stream?ms=2500'))
        const broken = asked(get('/stream?ms=2500'))
        await Promise.all([own, hasty, broken].map((client) => client.over(10_000)))
        assertWithin(hasty.endedAt - hasty.openedAt, [350, 1_200], 'a hasty body was refused')
        assertWithin(own.endedAt - own.openedAt, [1_450, 2_400], 'a body was refused')
        for (const { text } of [own, hasty]) assert.match(text, /^HTTP\/1\.1 408 /)
        assert.doesNotMatch(broken.text, /last/)
        await sleep(Math.max(0, 2_700 - (performance.now() - patient.openedAt)))
        patient.send('world')
        await sleep(200)
        assert.match(patient.text, /^HTTP\/1\.1 200 [\s\S]*10\n$/)
        assert.match(large.text, /^HTTP\/1\.1 200 [\s\S]*100000\n$/)
        assert.match(tooLarge.text, /^HTTP\/1\.1 413 /)
        assert.match(quiet.text, /first\n[\s\S]*last\n/)
        for (const client of [patient, large, tooLarge, quiet]) client.destroy()
        server.signal('SIGTERM')
        await server.exited
      })

      test(`a drain answers every POST that it executes, and whoever is busy`, async () => {
        const server = await start(variant)
        let answers = 0
        let stopping = false
        const busy = open(server.port).send(get('/slow?ms=2500'))
        const quiet = open(server.port).send(get('/'))
        await quiet.answers()
        const posting = Array.from({ length: 20 }, async () => {
          while (!stopping || !refused) {
            const client = open(server.port)
            for (let count = 1; ; count++) {
              client.send(post('/count', 0))
              await client.answers(count, 5_000)
              const seen = client.text.split('HTTP/1.1 200').length - 1
              answers += seen === count ? 1 : 0
              if (client.end !== 'open' || /connection: close/i.test(client.text)) break
              await sleep(5 + Math.random() * 55)
            }
            if (client.end === 'reset' && client.text === '') refused = true
            client.destroy()
          }
        })
        let refused = false
        await sleep(700)
        stopping = true
        const since = performance.now()
        const { status, out } = await server.stop()
        await Promise.all(posting)
        assert.equal(status, 0)
        assert.match(busy.text, /^HTTP\/1\.1 200 .*connection: close/is)
        assert.equal(quiet.end, 'fin')
        assertWithin(
          quiet.endedAt - (variant.sparedFrom === 'drain' ? since : quiet.lastByteAt),
          [950, 1_600],
          'idle closed',
        )
        assert.ok(answers > 100, `${answers} answers`)
        assert.match(out, new RegExp(`posts=${answers}\n`))
      })

      test(`an early answer arrives whole in a drain as well`, async () => {
        const server = await start(variant, '--drain-delay', '1500ms', '--min-idle', '100ms')
        const ended = server.stop()
        await sleep(200)
        const client = open(server.port)
        // It reads only when all is sent: a reset by then has thrown the answer away.
        client.socket.pause()
        client.send(post('/early', 8 * 2 ** 20)).send(Buffer.alloc(8 * 2 ** 20))
        await sleep(500)
        client.socket.resume()
        assert.match(await client.answers(1, 3_000), /^HTTP\/1\.1 413 .*no, thank you\n$/s)
        client.destroy()
        assert.equal((await ended).status, 0)
      })

      test(`a drain that has to cut says how many`, async () => {
        const server = await start(variant, '--drain-timeout', '1500ms', '--min-idle', '100ms')
        const stuck = open(server.port).send(get('/slow?ms=60000'))
        await sleep(300)
        const since = performance.now()
        const { status } = await server.stop()
        assert.equal(status, 1)
        assertWithin(performance.now() - since, [1_400, 2_300], 'ended')
        await stuck.over(500)
        assert.notEqual(stuck.end, 'open')
      })

      test(`a set limit that Bun cannot hold is refused by name`, async () => {
        for (const [flag, value] of variant.heldInPart) {
          const { code, stderr } = await run(null, commandOf(variant, ['--port', '0', flag, value]))
          assert.equal(code, 2, flag)
          assert.ok(stderr.includes(flag), stderr)
        }
      })

      test(`a port that is in use is named`, async () => {
        const server = await start(variant)
        const { code, stderr } = await run(null, commandOf(variant, ['--port', String(server.port)]))
        assert.equal(code, 2)
        assert.match(stderr, new RegExp(`port ${server.port} of 127\\.0\\.0\\.1: the port is in use`))
        await server.stop()
      })

      test(`TLS`, async () => {
        const server = await start(variant, ...tlsFlags)
        const client = new Client({ port: server.port, allowHalfOpen: true, tls: {} }).send(get('/'))
        assert.match(await client.answers(), /^HTTP\/1\.1 200 OK.*hello/s)
        client.destroy()
        assert.equal((await server.stop()).status, 0)
      })
    })
  }
})
