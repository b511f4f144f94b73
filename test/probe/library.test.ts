/**
 * `probe()` as a program calls it, and cases of one's own, against servers that are scripted byte
 * by byte.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  type CaseInput,
  ConfigError,
  cases,
  probe,
  readReport,
  redIn,
  toHtml,
  toJson,
  toJUnit,
  toText,
  UnreachableError,
} from '../../src/probe/index.ts'
import { run } from '../lib/program.ts'
import { hangupOn, root } from '../lib/runtimes.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-library-'))
const servers: Server[] = []
const sockets = new Set<Socket>()
after(() => {
  for (const server of servers) server.close()
  for (const socket of sockets) socket.destroy()
  rmSync(folder, { recursive: true })
})

/** Answers each request, and does that so long after the response. */
async function serving(idleMs: number, body = 'hi', end = (socket: Socket) => void socket.end()): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    let timer: ReturnType<typeof setTimeout> | undefined
    socket.on('data', (chunk) => {
      if (!String(chunk).endsWith('\r\n\r\n')) return
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      clearTimeout(timer)
      timer = setTimeout(() => end(socket), idleMs)
    })
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const closesIdle: CaseInput = {
  id: 'closes-idle',
  steps: [
    { request: 'GET {hello}' },
    { answer: { status: [200], contains: 'hi', within: 2_000 } },
    { closes: { due: { by: ['idleTimeoutMs'], from: 'received' }, accept: ['fin'] } },
  ],
}

describe('probe()', { concurrency: true }, () => {
  test('resolves to the report, of which every form is made', async () => {
    const url = await serving(600)
    const seen: string[] = []
    const report = await probe(url, {
      expect: { idleTimeoutMs: 600 },
      cases: ['idle-after-response'],
      onCase: ({ id }, state) => seen.push(`${id} ${state === 'running' ? state : state.verdict}`),
    })
    assert.equal(report.counts.pass, 1)
    assert.equal(redIn(report.counts), 0)
    assert.deepEqual(
      seen.filter((one) => one.startsWith('idle')),
      ['idle-after-response running', 'idle-after-response pass'],
    )
    assert.deepEqual(readReport(toJson(report), 'report.json'), JSON.parse(JSON.stringify(report)))
    assert.match(toText(report), /\n1 pass in \d+\.\d\d s\n$/)
    assert.match(toJUnit(report), /<testsuites name="hangup" tests="1"/)
    assert.match(toHtml(report), /^<!doctype html>/i)
  })

  test('measures what is not expected', async () => {
    const report = await probe(await serving(500), { limitMs: 2_000, cases: ['idle-after-response'] })
    const [limit] = report.servers[0]?.limits ?? []
    assert.equal(limit?.outcome, 'found')
    assert.ok((limit?.fromMs ?? 0) > 400 && (limit?.fromMs ?? 9e9) < 1_900, `${limit?.fromMs}`)
  })

  test('a signal ends it at once with what is known, and leaves no connection', async () => {
    const url = await serving(60_000)
    const stop = new AbortController()
    let abortedMs = Number.NaN
    const report = await probe(url, {
      limitMs: 60_000,
      cases: ['idle-after-response'],
      signal: stop.signal,
      onCase: ({ id }, state) => {
        if (id !== 'idle-after-response' || state !== 'running') return
        abortedMs = performance.now()
        stop.abort()
      },
    })
    assert.ok(performance.now() - abortedMs < 5_000)
    assert.equal(report.servers[0]?.cutShort, 'interrupted')
  })

  test('a signal during the first look rejects with its reason', async () => {
    const silent = createServer((socket) => {
      sockets.add(socket.resume())
      socket.on('error', () => {})
    }).listen(0, '127.0.0.1')
    servers.push(silent)
    await once(silent, 'listening')
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const reason = new Error('enough')
    const stop = new AbortController()
    setTimeout(() => stop.abort(reason), 300)
    await assert.rejects(probe(url, { signal: stop.signal }), reason)
    await assert.rejects(probe(url, { signal: AbortSignal.abort(reason) }), reason)
    for (let tries = 0; (await count(silent)) > 0 && tries < 40; tries++) await new Promise((go) => setTimeout(go, 50))
    assert.equal(await count(silent), 0)
  })

  test('where nobody listens it rejects with an UnreachableError', async () => {
    await assert.rejects(probe('http://127.0.0.1:1'), (error: UnreachableError) => {
      assert.ok(error instanceof UnreachableError)
      assert.equal(error.code, 'PROBE_UNREACHABLE')
      return /127\.0\.0\.1:1: nothing listens there \(connection refused\)/.test(error.message)
    })
  })

  test('names every option that is wrong, as the program wrote it', async () => {
    const wrong = {
      ...{ limitMs: 5, connections: 0, pid: -1, cases: ['nothing-', { id: 'a', steps: [{ wiat: 5 }] }] },
      ...{ paths: { slwo: '/x', slow: 'x' }, expect: { idleTimeout: 5 }, insecrue: true },
    } as never
    const error = await probe('localhost:3000', wrong).then(
      () => assert.fail('it ran'),
      (reason: ConfigError) => reason,
    )
    assert.ok(error instanceof ConfigError)
    for (const part of [
      /insecrue: there is no such option; did you mean insecure\?/,
      /url: localhost:3000 has no scheme/,
      /limitMs 5: too short/,
      /connections 0: out of range/,
      /pid -1: not a process id/,
      /paths\.slwo \/x: unknown page; did you mean slow\?/,
      /paths\.slow: x does not begin with \//,
      /cases nothing-: no case begins with it/,
      /cases: \[0\]\.steps\[0\]: unknown word wiat; did you mean wait\?/,
      /idleTimeout/,
    ]) {
      assert.match(error.message, part)
    }
  })

  test('another machine is refused unless its owner has agreed', async () => {
    await assert.rejects(probe('http://192.0.2.1'), /192\.0\.2\.1: it is not this machine.*iMayTestThisHost/)
  })

  test('runs the same on Bun and Deno', { timeout: 30_000 }, async () => {
    const url = await serving(60_000)
    const code = `import { probe } from ${JSON.stringify(`${root}src/probe/index.ts`)}
const report = await probe(${JSON.stringify(url)}, { cases: ['plain-get'], limitMs: 1_000 })
console.log(JSON.stringify(report.counts))`
    const runs = [
      ['bun', '-e', code],
      ['deno', 'eval', code],
    ].map((command) => run(null, command))
    for (const { stdout } of await Promise.all(runs)) assert.equal(JSON.parse(stdout).pass, 2)
  })
})

const count = (server: Server) => new Promise<number>((resolve) => server.getConnections((_, now) => resolve(now)))

describe('a case of one’s own', { concurrency: true }, () => {
  const played = async (url: string, own: CaseInput) => {
    const report = await probe(url, { expect: { idleTimeoutMs: 600 }, cases: [own] })
    assert.equal(report.cells.length, 1, 'it alone is judged')
    return report.cells[0]
  }

  test('passes where the server does what it says', async () => {
    assert.equal((await played(await serving(600), closesIdle))?.verdict, 'pass')
  })

  test('is judged as it is written: another body or another end is a failure', async () => {
    const [body, end, late] = await Promise.all([
      played(await serving(600, 'ho'), closesIdle),
      played(await serving(600, 'hi', (socket) => void socket.resetAndDestroy()), closesIdle),
      played(await serving(5_000), closesIdle),
    ])
    assert.match(`${body?.verdict}: ${body?.reason}`, /^fail: the body is "ho", wanted hi$/)
    assert.match(`${end?.verdict}: ${end?.reason}`, /^fail: reset after \d+ ms, wanted fin/)
    assert.match(`${late?.verdict}: ${late?.reason}`, /^fail: still open after/)
  })

  test('that cannot be asked is red: it does not look like one that passed', async () => {
    const cell = await played(await serving(600), { id: 'slow', steps: [{ request: 'GET {slow}' }] })
    assert.equal(`${cell?.verdict}: ${cell?.reason}`, 'setup-failed: it needs a page: paths.slow')
  })

  test('sends a request with its fields and its body', async () => {
    let received = ''
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        received += chunk
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const fields = { 'Content-Type': 'application/json' }
    const cell = await played(url, {
      id: 'posts',
      steps: [{ request: 'POST /login', fields, body: '{"name":"é"}' }, { answer: { status: [200], within: 2_000 } }],
    })
    assert.equal(cell?.verdict, 'pass')
    const host = url.replace('http://', '')
    assert.ok(
      received.includes(
        `POST /login HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 13\r\nContent-Type: application/json\r\n\r\n{"name":"é"}`,
      ),
      received,
    )
  })

  test('is played from a file by the command', { timeout: 20_000 }, async () => {
    const url = await serving(600, 'ho')
    const file = join(folder, 'incident.json')
    const played = (...argv: string[]) => run(null, hangupOn('node', 'probe', url, ...argv))
    const expect = ['--expect', 'idle-timeout=600ms', '--quiet', '--case', file]
    writeFileSync(file, JSON.stringify([closesIdle]))
    const failed = await played(...expect)
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stdout, /failed:\n {2}closes-idle: closes-idle\n {6}the body is "ho", wanted hi\n/)
    writeFileSync(file, JSON.stringify([{ ...closesIdle, steps: [{ clsoes: 1 }] }]))
    const bad = await played(...expect)
    assert.equal(bad.code, 2)
    assert.match(
      bad.stderr,
      /^hangup: --case \S+incident\.json: \[0\]\.steps\[0\]: unknown word clsoes; did you mean closes\?\n$/,
    )
  })
})

test('the cases of the suite are data that anybody can play', () => {
  assert.ok(cases.length > 100)
  assert.deepEqual(JSON.parse(JSON.stringify(cases)), cases)
})
