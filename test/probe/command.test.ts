/**
 * `hangup probe` on real sockets: against servers that leak, that hold their limits, and that can't
 * be asked.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../../runtimes/node.ts'
import { createApp } from '../../src/command/built-in-app.ts'
import type { Host } from '../../src/command/host.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { probeCommand } from '../../src/probe/command.ts'
import { policyFlags } from '../conformance/server.ts'
import { run } from '../lib/program.ts'
import { hangupOn, onAnyPort, root, tlsTexts } from '../lib/runtimes.ts'
import { startServer } from '../lib/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-probe-'))
const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
after(() => Promise.all(closers.map((close) => close())))

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** node:http with every limit off: what a server without limits of its own does. */
async function leaky() {
  const options = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }
  const server = createHttp(options, (request, response) => {
    request.resume()
    response.statusCode = request.url?.startsWith('/missing') ? 404 : 200
    response.end('hi')
  })
  let open = 0
  let most = 0
  server.on('connection', (socket) => {
    most = Math.max(most, ++open)
    socket.on('close', () => open--)
    closers.push(() => socket.destroy())
  })
  return { port: await listen(server), most: () => most, open: () => open }
}

/** `hangup serve`, whose limits are its own promise. */
async function served(policy: Partial<Policy>): Promise<string> {
  return (
    await startServer(
      { after: (end) => closers.push(end) },
      hangupOn('node', 'serve', '--engine', 'hangup', ...onAnyPort, ...policyFlags(policy)),
    )
  ).url
}

interface Reported {
  readonly status: number | null
  readonly out: string
  readonly json: string
  readonly junit: string
  readonly html: string
}

/** The same numbers, wherever they are read, and the status that follows from them. */
function assertOneCount({ status, out, json, junit, html }: Reported): Record<string, number> {
  const { counts, cells } = JSON.parse(json)
  const said = (text: string) => text.match(/\d+ [a-z-]+(?: [a-z]+)*/g)?.map((one) => one.split(/ (.*)/s)) ?? []
  const set = Object.fromEntries(Object.entries<number>(counts).filter(([, count]) => count > 0))
  const terminal = said(
    out
      .trimEnd()
      .split('\n')
      .at(-1)
      ?.replace(/ in [\d.]+ s$/, '') ?? '',
  )
  assert.deepEqual(Object.fromEntries(terminal.map(([count, verdict]) => [verdict, Number(count)])), set)
  const of = (...verdicts: string[]) => verdicts.reduce((sum, verdict) => sum + counts[verdict], 0)
  assert.match(
    junit,
    new RegExp(
      `<testsuites name="hangup" tests="${cells.length}" failures="${of('fail', 'unexpected-pass')}" errors="${of('setup-failed', 'harness-failed')}" skipped="${of('not-judged')}"`,
    ),
  )
  assert.equal(junit.match(/<failure /g)?.length ?? 0, of('fail', 'unexpected-pass'))
  assert.equal(junit.match(/<skipped /g)?.length ?? 0, of('not-judged'))
  const words = { deviation: 'known deviation', 'not-judged': 'not judged' } as Record<string, string>
  const label = /<div class="strip" role="img" aria-label="([^"]*)"/.exec(html)?.[1] ?? ''
  assert.deepEqual(
    Object.fromEntries(said(label).map(([count, name]) => [name, Number(count)])),
    Object.fromEntries(Object.entries(set).map(([verdict, count]) => [words[verdict] ?? verdict, count])),
  )
  const marks = [...html.matchAll(/<b class="bad">✗ (\d+)<\/b><\/a>/g)]
  assert.equal(
    marks.reduce((sum, [, count]) => sum + Number(count), 0),
    of('fail', 'unexpected-pass', 'setup-failed', 'harness-failed'),
  )
  assert.equal(status, of('fail', 'unexpected-pass', 'setup-failed', 'harness-failed') > 0 ? 1 : 0)
  return counts
}

async function probed(...argv: string[]) {
  const seen = { out: '', err: '', status: null as number | null }
  const host: Host = {
    argv: [],
    env: {},
    columns: 200,
    out: (text) => {
      seen.out += text
    },
    err: (text) => {
      seen.err += text
    },
    exit: (status) => {
      seen.status ??= status
    },
  }
  const fromMs = performance.now()
  await probeCommand(argv, host)
  return { ...seen, tookMs: performance.now() - fromMs }
}

const file = (name: string) => join(folder, name)

describe('without anything to expect', { concurrency: true }, () => {
  test('the first lines name what a server leaks, and the exit status is 1', async () => {
    const { port, most } = await leaky()
    const [json, junit, html] = [file('leaky.json'), file('leaky.xml'), file('leaky.html')]
    const reports = ['--json', json, '--junit', junit, '--html', html]
    const { out, status, err } = await probed(`http://127.0.0.1:${port}`, '--limit', '1s', ...reports)
    assert.equal(status, 1, err)
    assert.match(out, /^LEAK: a connection that was idle after its response was not closed within 1s: /)
    assert.match(out, /LEAK: .*Slowloris/)
    assert.match(out, /^ {2}idle +not in 1s +still open after 1s$/m)
    assert.match(out, /it needs a page: --upload-path \(\d+\), --/)
    assert.match(
      out,
      /\nobserved: .*(\n {2}.*)*\n {2}strict-too-many-fields: /,
      'hangup promises that, and nobody else',
    )
    assert.match(err, /^✗ idle-after-response open 1\.\d\d s$/m)
    assert.ok(most() <= 50, `${most()} connections`)
    const report = JSON.parse(readFileSync(json, 'utf8'))
    assert.equal(report.servers[0].limits[0].outcome, 'leak')
    assert.match(report.servers[0].warnings[0], /^LEAK: /)
    assert.match(readFileSync(junit, 'utf8'), /<testcase [^>]*idle-after-response/)
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>/i)
    const { servers } = JSON.parse(readFileSync(json, 'utf8'))
    const page = readFileSync(html, 'utf8').split('<section')[0] ?? ''
    for (const text of [out.split('\nobserved:')[0] ?? '', JSON.stringify(servers), page]) {
      assert.doesNotMatch(text, /\bnever\b|for ever|without end/i, 'it was watched for a second')
    }
    const counts = assertOneCount({
      ...{ status, out, json: readFileSync(json, 'utf8') },
      ...{ junit: readFileSync(junit, 'utf8'), html: readFileSync(html, 'utf8') },
    })
    assert.ok((counts['fail'] ?? 0) > 0 && (counts['observed'] ?? 0) > 0, out)
  })

  test('limits are measured, and the cases stand on them; it takes about as long as the largest', async () => {
    const limits = { idleTimeoutMs: 1_200, headTimeoutMs: 2_000, bodyTimeoutMs: 1_500, writeTimeoutMs: 1_500 }
    const url = await served({ ...limits, minBodyBytesPerSec: 1_000, minRateGraceMs: 1_000, minResponseBytesPerSec: 0 })
    const [json, junit, html] = [file('held.json'), file('held.xml'), file('held.html')]
    const { out, status, err, tookMs } = await probed(
      url,
      ...['--limit', '4s', '--json', json, '--junit', junit, '--html', html],
      ...['--slow-path', '/slow?ms={ms}', '--stream-path', '/stream?ms={ms}', '--upload-path', '/upload?ms={ms}'],
      ...['--large-path', '/large?bytes={bytes}b'],
    )
    assert.equal(status, 0, `${out}\n${err}`)
    assertOneCount({
      ...{ status, out, json: readFileSync(json, 'utf8') },
      ...{ junit: readFileSync(junit, 'utf8'), html: readFileSync(html, 'utf8') },
    })
    const { servers, cells } = JSON.parse(readFileSync(json, 'utf8'))
    const found = Object.fromEntries(servers[0].limits.map((limit: { name: string }) => [limit.name, limit]))
    const near = (name: string, ms: number) => {
      const { outcome, fromMs, toMs } = found[name]
      assert.equal(outcome, 'found', name)
      // A look that began late, because this process did, is short; not all of them are.
      assert.ok(toMs > ms - 60 && fromMs < ms + 500, `${name}: ${fromMs} to ${toMs}`)
    }
    near('idle', limits.idleTimeoutMs)
    near('head', limits.headTimeoutMs)
    near('silent connect', limits.headTimeoutMs)
    near('body', limits.bodyTimeoutMs)
    if (process.platform === 'linux') near('write', limits.writeTimeoutMs)
    const verdict = (id: string) => cells.find((cell: { case: string }) => cell.case === id).verdict
    for (const id of ['reuse-inside-limit', 'slow-handler', 'quiet-stream', 'partial-second-head']) {
      assert.equal(verdict(id), 'pass', id)
    }
    assert.ok(tookMs < 4_000 * 1.25 + 10_000 + 2_000, `${tookMs} ms`)
  })

  test('a server that ends each connection with its answer, and says so, breaks no rule by that', async () => {
    const answers = ['HTTP/1.0 200 OK\r\n', 'HTTP/1.1 200 OK\r\nConnection: close\r\n', 'HTTP/1.1 200 OK\r\n']
    const [old, says, breaks] = await Promise.all(
      answers.map(async (head) => {
        const server = createTcp((socket) => {
          socket.on('error', () => {})
          socket.once('data', () => socket.end(`${head}Content-Length: 2\r\n\r\nhi`))
        })
        const url = `http://127.0.0.1:${await listen(server)}`
        // plain-get is not chosen, and asked all the same: the others need it.
        return probed(url, '--limit', '1s', '--case', 'idle-after-response,head-in-step')
      }),
    )
    for (const one of [old, says]) {
      assert.equal(one?.status, 0, one?.out)
      assert.match(one?.out ?? '', /^ {2}idle +\? +plain-get was not judged: the server closes each connection/m)
      assert.match(one?.out ?? '', /, and says so:\n +head-in-step, idle-after-response\n/)
    }
    assert.match(breaks?.out ?? '', /plain-get did not pass:\n/)
  })

  test('a server that serves one client at a time is full with one, and is measured with one', async () => {
    const waiting: Socket[] = []
    let busy = false
    const next = () => {
      let socket = busy ? undefined : waiting.shift()
      while (socket?.destroyed) socket = waiting.shift()
      if (!socket) return
      busy = true
      // Well after the 5 s in which another has to be answered.
      const timer = setTimeout(() => socket.destroy(), 6_500)
      socket.on('data', (chunk) => {
        if (String(chunk).endsWith('\r\n\r\n')) {
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi')
        }
      })
      socket.once('close', () => {
        clearTimeout(timer)
        busy = false
        next()
      })
    }
    const server = createTcp((socket) => {
      socket.on('error', () => {})
      closers.push(() => socket.destroy())
      waiting.push(socket)
      next()
    })
    const url = `http://127.0.0.1:${await listen(server)}`
    const { status, out } = await probed(url, '--limit', '8s', '--case', 'silent-,plain-get')
    assert.equal(status, 1, out)
    assert.match(
      out,
      /silent-beside-others: .*\n {6}with one client stopped in a head, nobody else was answered within 5 s/,
    )
    assert.match(out, /^ {2}silent connect +6\.\d\d s +fin$/m)
  })

  test('an RST is not taken for a FIN', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
    const server = createTcp((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => {
        socket.write(answer)
        setTimeout(() => socket.resetAndDestroy(), 500)
      })
    })
    const port = await listen(server)
    const { out } = await probed(
      `http://127.0.0.1:${port}`,
      '--limit',
      '1s',
      '--case',
      'idle-after-response',
      '--quiet',
    )
    assert.match(out, /^ {2}idle +\d\.\d\d s.* reset$/m)
  })

  test('no more connections are open than it was given', async () => {
    const { port, most } = await leaky()
    const { status } = await probed(
      `http://127.0.0.1:${port}`,
      '--limit',
      '1s',
      '--connections',
      '4',
      '--case',
      'strict,idle,head',
    )
    assert.equal(status, 1)
    // The server may still count one that has just been let go of when the next is there.
    assert.ok(most() <= 6, `${most()} connections`)
    assert.ok(most() >= 3, `${most()} connections`)
  })

  test('a server that goes while it is asked is told from one that hangs up', async () => {
    const server = createHttp({ keepAliveTimeout: 0 }, (_, response) => response.end('hi'))
    const port = await listen(server)
    setTimeout(() => {
      server.close()
      server.closeAllConnections()
    }, 2_000)
    const { out, status } = await probed(`http://127.0.0.1:${port}`, '--limit', '4s', '--case', 'idle-after-response')
    assert.equal(status, 1)
    assert.match(out, /cut short: the server has gone/)
    assert.match(out, /survives: .*\n +it does not accept connections any more/)
  })

  test('an IPv6 literal is named and reached', async (t) => {
    const server = createHttp((request, response) => response.end(request.headers.host))
    let port: number
    try {
      port = await listen(server, '::1')
    } catch {
      return t.skip('no IPv6 on this machine')
    }
    const { out, status } = await probed(`http://[::1]:${port}`, '--limit', '1s', '--case', 'plain-get', '--quiet')
    assert.equal(status, 0, out)
  })
})

describe('with something to expect', { concurrency: true }, () => {
  /** Closes idle connections after a second, by FIN, and has no other limit. */
  const idleOnly = async () => {
    const options = { keepAliveTimeout: 1_000, keepAliveTimeoutBuffer: 0, headersTimeout: 0, requestTimeout: 0 }
    return listen(createHttp(options, (_, response) => response.end('hi')))
  }

  test('what is held is 0, what is not is 1', async () => {
    const port = await idleOnly()
    const target = [`http://127.0.0.1:${port}`, '--case', 'idle-after-response,reuse']
    const [held, early, late] = await Promise.all([
      probed(...target, '--expect', 'idle-timeout=1s'),
      probed(...target, '--idle-timeout', '2s'),
      probed(...target, '--expect', 'idle-timeout=500ms'),
    ])
    assert.equal(held.status, 0, held.out)
    assert.match(held.out, /2 pass/)
    assert.equal(early.status, 1)
    assert.match(early.out, /too early, due from 1950 ms/)
    assert.equal(late.status, 1)
    assert.match(late.out, /still open after|too late/)
  })

  test('nobody is blamed for what was not expected', async () => {
    const { status, out } = await probed(
      `http://127.0.0.1:${await idleOnly()}`,
      '--expect',
      'idle-timeout=1s',
      '--case',
      'silent-connect',
    )
    assert.equal(status, 0)
    assert.match(out, /nothing is expected of it; with --head-timeout it is judged/)
  })

  test('what only hangup promises is observed where the limits that were named have nothing to do with it', async () => {
    const { status, out } = await probed(
      `http://127.0.0.1:${await idleOnly()}`,
      ...[
        '--expect',
        'idle-timeout=1s',
        '--case',
        'strict-too-many-fields,strict-major-version,strict-two-spaces,idle-',
      ],
    )
    assert.equal(status, 0, out)
    assert.match(out, /\nobserved: .*(\n {2}.*)*\n {2}strict-too-many-fields: /)
    assert.doesNotMatch(out, /failed/)
  })
})

describe('what can not run is 2', () => {
  const refusal = async (...argv: string[]) => {
    const { status, err, out } = await probed(...argv)
    assert.equal(status, 2, out)
    assert.equal(out, '')
    assert.doesNotMatch(err, /\n +at /, 'no stack')
    return err
  }

  test('a target that is none, or not this machine', async () => {
    assert.match(await refusal(), /<url>: which server\? For example: hangup probe http:\/\//)
    assert.match(await refusal('localhost:1'), /localhost:1 has no scheme/)
    assert.match(await refusal('http://192.0.2.1'), /192\.0\.2\.1: it is not this machine.*--i-may-test-this-host/)
  })

  test('nobody there, no answer, no page', async () => {
    const dead = createTcp()
    const port = await listen(dead)
    dead.close()
    await once(dead, 'close')
    assert.match(await refusal(`http://127.0.0.1:${port}`), /127\.0\.0\.1:\d+: nothing listens there/)
    const mute = await listen(createTcp((socket) => socket.end()))
    assert.match(await refusal(`http://127.0.0.1:${mute}`), /does not answer GET \/: fin/)
    const { port: leak } = await leaky()
    assert.match(
      await refusal(`http://127.0.0.1:${leak}/missing`),
      /--path \/missing: it answers 404; accepted: a page that answers 200/,
    )
    assert.match(
      await refusal(`http://127.0.0.1:${leak}`, '--slow-path', '/missing'),
      /--slow-path \/missing: it answers 404/,
    )
  })

  test('flags that can not be, all at once', async () => {
    const err = await refusal(
      'http://a',
      '--limit',
      '5',
      '--drain',
      '--ca',
      'x.pem',
      '--case',
      'idel',
      '--behind',
      'aws',
      '--colour',
    )
    for (const part of [
      '--limit: "5" has no unit',
      '--drain: it needs --pid',
      '--ca: only https://',
      '--case idel: no case begins',
      '--colour: there is no such flag',
    ]) {
      assert.ok(err.includes(part), `${part} in ${err}`)
    }
    assert.match(await refusal('http://127.0.0.1:1', '--pid', '4194304'), /--pid 4194304: there is no such process/)
    assert.match(
      await refusal('http://a', '--behind', 'aws-alb', '--expect', 'idle-timeout=5s'),
      /--behind: with limits to expect/,
    )
  })

  test('a report that can not be written', async () => {
    const { port } = await leaky()
    const { status, err } = await probed(
      `http://127.0.0.1:${port}`,
      ...['--case', 'plain-get', '--json', join(folder, 'nowhere', 'a.json'), '--quiet'],
    )
    assert.equal(status, 2)
    assert.match(err, /--json .*a\.json: it cannot be written \(ENOENT\)/)
  })

  test('a certificate that nobody vouches for', async () => {
    const tls = {
      cert: readFileSync(`${root}test/fixtures/tls/cert.pem`, 'utf8'),
      key: readFileSync(`${root}test/fixtures/tls/key.pem`, 'utf8'),
    }
    const running = await serve(createApp(), { port: 0, host: '127.0.0.1', tls, signals: false, log: () => {} })
    closers.push(() => running.kill())
    const { port } = new URL(running.url)
    const url = `https://127.0.0.1:${port}`
    assert.match(await refusal(`http://127.0.0.1:${port}`), /it speaks TLS.*https:\/\/127\.0\.0\.1:\d+/)
    const { port: plain } = await leaky()
    assert.match(
      await refusal(`https://127.0.0.1:${plain}`),
      /127\.0\.0\.1:\d+: it does not speak TLS; if it speaks HTTP, it is http:\/\/127\.0\.0\.1:\d+\n$/,
    )
    assert.match(
      await refusal(url),
      /127\.0\.0\.1:\d+: .*certificate.*; --ca names the certificate to trust, --insecure accepts any/,
    )
    for (const flags of [['--insecure'], ['--ca', `${root}test/fixtures/tls/cert.pem`]]) {
      const { status, out, err } = await probed(url, '--case', 'plain-get', '--quiet', ...flags)
      assert.equal(status, 0, out + err)
    }
  })
})

test('Ctrl-C ends it at once, with what it knows', async () => {
  const { port, open } = await leaky()
  const running = probed(`http://127.0.0.1:${port}`, '--limit', '60s')
  await sleep(2_000)
  process.emit('SIGINT')
  const { out, tookMs, status } = await running
  assert.ok(tookMs < 4_000, `${tookMs} ms`)
  assert.match(out, /cut short: interrupted/)
  assert.match(out, /^ {2}idle +\? +interrupted after \d.*, still open then$/m)
  assert.match(out, /\d+ pass, /)
  assert.equal(typeof status, 'number')
  for (let tries = 0; open() > 0 && tries < 40; tries++) await sleep(50)
  assert.equal(open(), 0)
})

describe('the command runs', { concurrency: true }, () => {
  for (const runtime of ['bun', 'deno'] as const) {
    test(`on ${runtime}`, { timeout: 20_000 }, async (t) => {
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
      // Ends one idle connection by FIN and the next by RST; those that look for something else do
      // not count.
      let number = 0
      const server = createTcp((socket) => {
        socket.on('error', () => {})
        socket.on('data', (chunk) => {
          if (!String(chunk).endsWith('\r\n\r\n')) return
          const isCounted = !String(chunk).includes('Connection: close')
          const byFin = (isCounted ? number++ : 0) % 2 === 0
          socket.write(answer)
          setTimeout(() => (byFin ? socket.end() : socket.resetAndDestroy()), 400)
        })
      })
      const url = `http://127.0.0.1:${await listen(server)}`
      const flags = ['--limit', '1s', '--case', 'idle-after-response,silent-connect']
      const { code: status, stdout: out, stderr: err } = await run(t, hangupOn(runtime, 'probe', url, ...flags))
      assert.equal(status, 1, out + err)
      assert.match(out, /^LEAK: a client that connected and sent nothing was not disconnected within 1s: /)
      assert.match(out, /^ {2}idle +0\.[3-9]\d s.* (fin or reset|reset or fin)$/m)
      assert.match(err, /^✗ silent-connect open 1\.\d\d s$/m)
    })
  }

  test('on deno, where a client can not stop reading over TLS, nobody is blamed for that', {
    timeout: 20_000,
  }, async (t) => {
    const app = createApp()
    const limits = { writeTimeoutMs: 1_000, minResponseBytesPerSec: 0 }
    const running = await serve(app, {
      port: 0,
      host: '127.0.0.1',
      tls: tlsTexts(),
      signals: false,
      log: () => {},
      ...limits,
    })
    closers.push(() => running.kill())
    const url = `https://127.0.0.1:${new URL(running.url).port}`
    const flags = ['--insecure', '--quiet', '--expect', 'write-timeout=1s', '--case', 'reader-stalls-stream']
    const args = ['probe', url, ...flags, '--paths', 'endless=/endless']
    const { code: status, stdout: out } = await run(t, hangupOn('deno', ...args))
    assert.equal(status, 0, out)
    assert.match(
      out,
      /over TLS a client on Deno cannot stop reading: probe from Node or Bun:\n {6}reader-stalls-stream/,
    )
  })
})
