/**
 * What an application gives the hangup engine, and what the client and the operator see of it: on
 * every runtime, with the globals kept and replaced. One process each; all that only waits runs
 * side by side.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, get } from '../lib/client.ts'
import { type Lifetime, startProgram, suiteLifetime } from '../lib/program.ts'
import { commandOn, type RuntimeName, runtimeNames } from '../lib/runtimes.ts'
import { descriptorsOf } from '../lib/sockets.ts'
import { until } from '../lib/wait.ts'

interface Report {
  readonly port?: number
  readonly error?: string
  readonly path?: string
  readonly lost?: string
  readonly upgraded?: true
}

async function start(t: Lifetime, runtime: RuntimeName, globals: string) {
  const { line, pid, child, stdout } = await startProgram(t, commandOn(runtime, 'test/runtimes/engine-app.ts', globals))
  const reports = (): readonly Report[] =>
    stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return { pid, child, reports, port: (JSON.parse(line) as Report).port! }
}

/**
 * Sends and reads to the end of the connection; `reset`: by RST, or not for half of what was
 * promised.
 */
async function talk(port: number, ...parts: (string | number)[]): Promise<{ text: string; reset: boolean }> {
  const client = new Client(port)
  let reset = false
  client.tcp.on('error', () => {
    reset = true
  })
  for (const part of parts) {
    if (typeof part === 'number') await wait(part)
    else client.send(part)
  }
  await client.until(() => client.tcp.closed, 4_000)
  const isOver = client.tcp.closed
  client.destroy()
  assert.ok(isOver, `still open after 4 s: ${client.text}`)
  return { text: client.text, reset }
}

const close = 'Connection: close\r\n'

const upgrade = (path: string, more = '', version = '1.1') =>
  `GET ${path} HTTP/${version}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`
/** A text of a client, masked by zeros. */
const frame = (text: string) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`
const closing = '\x88\x80\0\0\0\0'

interface Answer {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
}

function parse(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const pairs = lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 2)])
  return { status: Number(line.split(' ')[1]), fields: Object.fromEntries(pairs), body: text.slice(end + 4) }
}

/**
 * Asked on a connection of its own, which the answer may not be the last of: a second request is
 * answered behind it.
 */
async function ask(port: number, path: string, more = '', method = 'GET'): Promise<Answer> {
  const { text } = await talk(port, get(path, more, method) + get('/hono', close))
  const at = text.lastIndexOf('HTTP/1.1 200 OK')
  assert.match(text.slice(at), /\r\n\r\nhello$/, `${path}: nothing came behind ${JSON.stringify(text)}`)
  return parse(text.slice(0, at))
}

const plain = 'text/plain;charset=UTF-8'
/** path, type, body. */
const bodies: readonly (readonly [path: string, type: string | undefined, body: string | RegExp])[] = [
  ['/text', plain, 'hello'],
  ['/json', 'application/json', '{"a":1}'],
  ['/bytes', undefined, 'hello'],
  ['/view', undefined, 'hello'],
  ['/buffer', undefined, 'hello'],
  ['/realm-buffer', undefined, 'hello'],
  ['/blob', 'text/x', 'hello'],
  ['/file', 'text/x', 'hello'],
  ['/params', 'application/x-www-form-urlencoded;charset=UTF-8', 'a=b'],
  ['/form', 'multipart/form-data', /name="a"\r\n\r\nb\r\n/],
  ['/large', plain, 'x'.repeat(300_000)],
  ['/long', undefined, 'x'.repeat(100_000)],
  ['/long-text', plain, 'x'.repeat(100_000)],
  ['/long-accents', plain, '\xc3\xa9'.repeat(100_000)],
  ['/null', undefined, ''],
  ['/empty', plain, ''],
  ['/ready', undefined, 'hello'],
  ['/passed-on', undefined, 'hello'],
  ['/clone', plain, 'hello'],
  ['/sub', plain, 'hello'],
  ['/latin1', plain, 'hello'],
  ['/thenable', plain, 'hello'],
]

/** Each is a 500 with nothing of the error in it, and one report. */
const wrong: Readonly<Record<string, RegExp>> = {
  '/undefined': /returned undefined, not a Response/,
  '/null-itself': /returned null/,
  '/string': /returned a string/,
  '/throws': /secret/,
  '/throws-null': /null/,
  '/throws-string': /secret/,
  '/rejects': /secret/,
  '/resolves-to-nothing': /returned undefined/,
  '/used': /already used/,
  '/locked': /locked/,
  '/error-response': /Response\.error\(\)/,
  '/brings-string': /secret/,
  '/brings-throw': /secret/,
  '/getter': /secret/,
  '/fails-first': /secret/,
  '/101': /101|status|error\(\)/,
}

for (const runtime of runtimeNames) {
  for (const globals of ['keep', 'replace']) {
    describe(`the hangup engine on ${runtime} with globals: ${globals}`, () => {
      let server: Awaited<ReturnType<typeof start>>
      let port = 0
      before(async () => {
        server = await start(suite, runtime, globals)
        port = server.port
      })
      after(async () => {
        const { child, reports } = server
        assert.equal(child.exitCode, null, 'the process lives')
        assert.deepEqual(
          reports().filter(({ lost }) => lost !== undefined),
          [],
        )
      })
      const suite = suiteLifetime()
      const told = (path: string) =>
        server
          .reports()
          .filter((report) => report.path === path)
          .map(({ error }) => error!)
      /** An answer, or a reset, can be here before the line of the log. */
      const toldOnce = async (path: string): Promise<string> => {
        await until(() => told(path).length > 0, `a report about ${path}`, 2_000)
        const reports = told(path)
        assert.equal(reports.length, 1, `${path}: ${reports}`)
        return reports[0]!
      }
      describe('side by side', { concurrency: true }, () => {
        test('a body that is there has its length, and the connection goes on', async () => {
          await Promise.all(
            bodies.map(async ([path, type, body]) => {
              const answer = await ask(port, path)
              if (typeof body === 'string') assert.equal(answer.body, body, path)
              else assert.match(answer.body, body)
              assert.equal(answer.fields['content-length'], `${answer.body.length}`, path)
              if (path.startsWith('/long')) assert.equal(answer.fields['x-name'], 'M\xfcller')
              assert.equal(answer.fields['transfer-encoding'], undefined)
              const said = answer.fields['content-type']
              assert.equal(said?.slice(0, type?.length).toLowerCase(), type?.toLowerCase(), path)
            }),
          )
          assert.deepEqual(
            bodies.flatMap(([path]) => told(path)),
            [],
          )
        })

        test('HTTP/1.0 keeps its connection when the body is there', async () => {
          const old = (path: string, connection: string) =>
            `GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`
          for (const path of ['/text', '/ready', '/blob', '/hono']) {
            const { text } = await talk(port, old(path, 'keep-alive') + old('/hono', 'close'))
            assert.equal(text.split('HTTP/1.1 200 OK').length, 3, text)
          }
          const { text } = await talk(port, old('/later', 'keep-alive'))
          assert.match(text, /\r\n\r\nhello$/)
          assert.doesNotMatch(text, /Transfer-Encoding/)
        })

        test('HEAD says the length that GET has, or none', async () => {
          for (const [path] of bodies) {
            const [head, whole] = await Promise.all([ask(port, path, '', 'HEAD'), ask(port, path)])
            assert.equal(head.body, '', path)
            const said = head.fields['content-length']
            if (path !== '/form')
              assert.ok(said === undefined || said === whole.fields['content-length'], `${path}: ${said}`)
          }
          // What Hono makes of HEAD.
          const said = (await ask(port, '/hono', '', 'HEAD')).fields['content-length']
          assert.ok(said === '5' || said === undefined, said)
        })

        test('a Response of another class is taken, and the same one only once', async () => {
          const other = await ask(port, '/of-other-class')
          assert.deepEqual([other.status, other.fields['x-a'], other.body], [201, '1', 'hello'])
          assert.equal((await ask(port, '/twice')).body, 'kept')
          assert.equal((await ask(port, '/twice')).status, 500)
          assert.match(await toldOnce('/twice'), /already used/)
          assert.equal((await ask(port, '/brings-teapot')).status, 418)
          assert.deepEqual(told('/brings-teapot'), [])
        })

        test('what is no answer is a 500 without a word of the error, and one report', async () => {
          await Promise.all(
            Object.entries(wrong).map(async ([path, said]) => {
              const answer = await ask(port, path)
              assert.equal(answer.status, 500, path)
              assert.doesNotMatch(answer.body, /secret/)
              assert.match(await toldOnce(path), said)
            }),
          )
        })

        test('a handler that is late, and then returns nothing or throws, costs 503', async () => {
          const [late, throwing] = await Promise.all([ask(port, '/too-late'), ask(port, '/too-late-throws')])
          assert.deepEqual([late.status, throwing.status], [503, 503])
          await wait(200)
        })

        test('never a byte beyond the Content-Length: the answer is cut, told, and the last', async () => {
          for (const path of ['/cut', '/cut-later', '/cut-after']) {
            const { text } = await talk(port, get(path) + get('/hono'))
            const { fields, body } = parse(text)
            assert.deepEqual([fields['content-length'], body], ['5', 'hello'], path)
            assert.match(await toldOnce(path), /instead of the 5/)
          }
          assert.equal((await ask(port, '/right-later')).body, 'hello')
        })

        test('an answer with too few bytes, or whose stream fails, never looks whole, and is told', async () => {
          for (const path of ['/short', '/short-later', '/fails-second', '/fails-sized', '/gives-objects']) {
            const { text, reset } = await talk(port, get(path) + get('/hono'))
            assert.equal(reset, true, path)
            assert.doesNotMatch(text, /\r\n0\r\n|secret|hello$/)
            await toldOnce(path)
          }
        })

        test('the signal is aborted by an AbortError when the client goes, and never after an answer', async () => {
          for (const how of ['destroy', 'resetAndDestroy', 'end'] as const) {
            const socket = connect(port, '127.0.0.1').on('error', () => {})
            socket.write(get('/waits'))
            await wait(100)
            socket[how]()
            await wait(50)
            const { body } = await ask(port, '/signal')
            assert.equal(body, '[true,"AbortError",true]', how)
            socket.destroy()
          }
          const gone = connect(port, '127.0.0.1')
          gone.write(get('/follows'))
          await wait(100)
          gone.destroy()
          await ask(port, '/normal')
          await talk(port, get('/normal', close))
          assert.equal((await ask(port, '/aborted')).body, '[false,false]')
          assert.deepEqual(told('/follows'), [], 'a handler that gives up with its client did nothing wrong')
        })

        test('a WebSocket begins behind the request, with or without a body', async () => {
          const sized = 'Content-Length: 4\r\n'
          const chunked = 'Transfer-Encoding: chunked\r\n'
          const talks: (readonly (string | number)[])[] = [
            [upgrade('/ws') + frame('hi'), 100, closing],
            [`${upgrade('/ws', sized)}body${frame('hi')}`, 100, closing],
            [upgrade('/ws', sized), 50, 'bo', 50, 'dy', 50, frame('hi'), 100, closing],
            [upgrade('/ws', chunked), 50, `4\r\nbody\r\n0\r\n\r\n${frame('hi')}`, 100, closing],
            [get('/hono') + upgrade('/ws') + frame('hi'), 100, closing],
            [`${get('/echo', sized, 'POST')}body${upgrade('/ws')}${frame('hi')}`, 100, closing],
            // Behind a body that nobody reads, at once and later.
            [`${get('/hono', sized, 'POST')}body${upgrade('/ws')}${frame('hi')}`, 100, closing],
            [get('/text', sized, 'POST'), 50, `body${upgrade('/ws')}${frame('hi')}`, 100, closing],
            [`${get('/text', chunked, 'POST')}4\r\nbody\r\n0\r\n\r\n${upgrade('/ws')}`, 50, frame('hi'), 100, closing],
          ]
          // Its client closes before anything is answered: of the first in the process, too.
          if (runtime === 'bun') talks.unshift([upgrade('/ws') + frame('hi') + closing])
          await Promise.all(
            talks.map(async (parts) => {
              const { text } = await talk(port, ...parts)
              assert.match(
                text,
                /HTTP\/1\.1 101 [\s\S]*\r\n\r\n\x81\x07echo hi/,
                `${JSON.stringify(parts)}: ${told('/ws')}`,
              )
            }),
          )
        })

        test('HTTP/1.0 has no upgrade, and no other method', async () => {
          const { text } = await talk(port, upgrade('/ws', '', '1.0'))
          assert.match(text, /^HTTP\/1\.1 404 /)
          const post = upgrade('/echo', `${close}Content-Length: 2\r\n`).replace('GET', 'POST')
          assert.match((await talk(port, `${post}hi`)).text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nhi$/)
        })

        if (runtime === 'bun') {
          test('a range of a file is answered as Bun.serve does', async () => {
            const whole = readFileSync('test/runtimes/engine-app.ts', 'latin1')
            const size = whole.length
            const of = (range: string, more = '') => ask(port, '/bun-file', `Range: ${range}\r\n${more}`)
            const part = await of('bytes=3-6')
            assert.deepEqual(
              [part.status, part.fields['content-range'], part.fields['content-length'], part.body],
              [206, `bytes 3-6/${size}`, '4', whole.slice(3, 7)],
            )
            assert.equal(part.fields['etag'], '"a"')
            assert.equal((await of('bytes=-5')).body, whole.slice(-5))
            const beyond = await of(`bytes=${size}-`)
            assert.deepEqual([beyond.status, beyond.fields['content-range']], [416, `bytes */${size}`])
            for (const range of ['bytes=0-1,3-4', 'bytes=5-2', 'items=0-1']) assert.equal((await of(range)).status, 200)
            assert.equal((await of('bytes=0-1', 'If-Range: "a"\r\n')).status, 206)
            assert.equal((await of('bytes=0-1', 'If-Range: "b"\r\n')).body, whole)
            assert.equal((await ask(port, '/bun-file')).body, whole)
            assert.equal((await ask(port, '/bun-missing')).status, 500)
            assert.match(await toldOnce('/bun-missing'), /ENOENT/)
          })
        }
      })

      test('a client that goes while its WebSocket is still being allowed leaves nothing behind', async () => {
        const descriptors = () => descriptorsOf(server.pid)
        const upgrades = () => server.reports().filter(({ upgraded }) => upgraded).length
        await talk(port, upgrade('/ws') + frame('hi'), 100, closing)
        const settled = async (most: number) => {
          const until = performance.now() + 5_000
          while (descriptors() > most && performance.now() < until) await wait(50)
          return descriptors()
        }
        const before = descriptors()
        const allowed = upgrades()
        const clients = (['destroy', 'resetAndDestroy', 'end'] as const).flatMap((how) =>
          ['/ws?ms=300', '/ws-late', '/no-such'].flatMap((path) => Array.from({ length: 4 }, () => ({ how, path }))),
        )
        await Promise.all(
          clients.map(async ({ how, path }) => {
            const socket = connect(port, '127.0.0.1').on('error', () => {})
            socket.write(upgrade(path))
            await wait(100)
            socket[how]()
            await wait(600)
            socket.destroy()
          }),
        )
        assert.ok((await settled(before)) <= before, `${before} descriptors before, ${descriptors()} after`)
        if (runtime !== 'node') assert.equal(upgrades(), allowed)
      })

      test('a copy of a request is a copy: csrf() behind bodyLimit() is not passed by', async () => {
        const type = 'Content-Type: application/x-www-form-urlencoded\r\n'
        const chunked = 'Transfer-Encoding: chunked\r\n'
        const form = (origin: string) =>
          talk(
            port,
            `${get('/guarded/form', `${close}Origin: ${origin}\r\n${type}${chunked}`, 'POST')}3\r\na=1\r\n0\r\n\r\n`,
          )
        assert.equal(parse((await form('http://evil.example')).text).status, 403)
        assert.match((await form('http://a')).text, /changed by a=1/)
        const sent = `${get('/copied', `${close}X-A: 1\r\nContent-Length: 2\r\n`, 'PUT')}ab`
        assert.equal(parse((await talk(port, sent)).text).body, '["PUT","/copied",null,"2","ab"]')
      })
    })
  }
}
