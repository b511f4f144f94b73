/** The client and the words, against servers that are scripted byte by byte. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { type OptionName, optionNames, type Policy } from '../../src/policy/policy.ts'
import type { Case } from '../../src/probe/case.ts'
import { cases } from '../../src/probe/cases/index.ts'
import { Connection } from '../../src/probe/client/client.ts'
import type { Target } from '../../src/probe/client/target.ts'
import { runCase, runCases } from '../../src/probe/run.ts'
import type { Step } from '../../src/probe/words/index.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

const policy = Object.fromEntries(optionNames.map((name) => [name, name === 'idleTimeoutMs' ? 200 : 0])) as Record<
  OptionName,
  number
> satisfies Policy

async function serving(script: (socket: Socket) => void): Promise<Target> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    script(socket)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { host: '127.0.0.1', port, tls: false, policy, profile: 'timed', paths: { hello: '/' } }
}

const caseOf = (steps: Step[], more: Partial<Case> = {}): Case => ({
  ...{ id: 'a-case', level: 'policy', title: 'T', why: 'W', spec: [], profile: 'timed', steps },
  ...more,
})

const get = 'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const closesIdle: Step[] = [
  { send: get },
  { answer: { status: [200], within: 500 }, setup: true },
  { closes: { due: { by: ['idleTimeoutMs'], from: 'received' }, accept: ['fin'] } },
]

/** Answers each request, then waits so long and does that. */
const then = (ms: number, act: (socket: Socket) => void) => (socket: Socket) => {
  socket.on('data', () => {
    socket.write(ok)
    setTimeout(() => act(socket), ms).unref()
  })
}

describe('the end of a connection', () => {
  test('on time passes', async () => {
    const run = await runCase(caseOf(closesIdle), await serving(then(220, (socket) => socket.end())))
    assert.equal(run.verdict, 'pass', run.reason ?? '')
    assert.equal(run.observed, 'fin')
  })

  test('is told with its window and with what happened, also when it passes', async () => {
    const { expected, timelines, observedMs } = await runCase(
      caseOf(closesIdle),
      await serving(then(220, (socket) => socket.end())),
    )
    const { fromMs = 0, ...window } = expected ?? {}
    assert.deepEqual(
      { ...window, lagMs: 0 },
      { from: 'received', earliestMs: 150, latestMs: 600, lagMs: 0, by: ['idleTimeoutMs'] },
    )
    const [timeline] = timelines
    assert.deepEqual(
      timeline?.events.map(({ what }) => what),
      ['connected', 'sent', 'received', 'fin'],
    )
    assert.equal(timeline?.end, 'fin')
    assert.equal(timeline?.events[0]?.atMs, 0)
    assert.ok(Math.abs((timeline?.untilMs ?? 0) - fromMs - (observedMs ?? 0)) < 0.1)
  })

  test('too early is the server’s failure', async () => {
    const run = await runCase(caseOf(closesIdle), await serving(then(20, (socket) => socket.end())))
    assert.equal(run.verdict, 'fail')
    assert.match(run.reason ?? '', /too early/)
  })

  test('that does not come is the server’s failure: open', async () => {
    const run = await runCase(caseOf(closesIdle), await serving(then(5_000, () => {})))
    assert.equal(run.verdict, 'fail')
    assert.equal(run.observed, 'open')
  })

  test('by RST is not the FIN that was wanted', async () => {
    const run = await runCase(caseOf(closesIdle), await serving(then(220, (socket) => socket.resetAndDestroy())))
    assert.equal(run.verdict, 'fail')
    assert.equal(run.observed, 'reset')
  })

  test('is called by the answer that came unasked before it', async () => {
    const bye = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'
    const target = await serving(then(220, (socket) => socket.end(bye)))
    const run = await runCase(caseOf(closesIdle), target)
    assert.equal(run.observed, '408 then fin')
    assert.equal(run.verdict, 'fail')
  })

  test('that the server is known for is a deviation, and red when it is gone', async () => {
    const deviations = [{ cases: ['a-case'], accept: ['reset'], what: 'it resets', issue: 'https://example.org/1' }]
    const resets = await serving(then(220, (socket) => socket.resetAndDestroy()))
    assert.equal((await runCase(caseOf(closesIdle), resets, { deviations })).verdict, 'deviation')
    const ends = await serving(then(220, (socket) => socket.end()))
    assert.equal((await runCase(caseOf(closesIdle), ends, { deviations })).verdict, 'unexpected-pass')
  })
})

describe('an answer', () => {
  /** Answers each whole request of a segment with what the script says of its method. */
  const answering = (say: (method: string) => string) =>
    serving((socket) => {
      socket.on('data', (chunk: Buffer) => {
        for (const [, method = ''] of chunk.toString('latin1').matchAll(/([A-Z]+) \S+ HTTP/g)) socket.write(say(method))
      })
    })
  const headAmongGets: Step[] = [
    { send: get },
    { answer: { status: [200], bytes: 2, within: 500 } },
    { send: `HEAD / HTTP/1.1\r\nHost: {host}\r\n\r\n${get}` },
    { answer: { status: [200], bytes: 0, within: 500 } },
    { answer: { status: [200], bytes: 2, within: 500 } },
  ]

  test('to HEAD has no body, also among pipelined ones', async () => {
    const right = await answering((method) => (method === 'HEAD' ? ok.slice(0, -2) : ok))
    const run = await runCase(caseOf(headAmongGets), right)
    assert.equal(run.verdict, 'pass', run.reason ?? '')
    assert.equal((await runCase(caseOf(headAmongGets), await answering(() => ok))).verdict, 'fail')
  })

  test('to HEAD may say the size that GET gives, or none, but no other', async () => {
    const theCase = cases.find(({ id }) => id === 'head-says-length') as Case
    const page = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const judged = async (head: string, get: () => string = () => page('hello')) => {
      const target = await answering((method) => (method === 'HEAD' ? `HTTP/1.1 200 OK\r\n${head}\r\n` : get()))
      return runCase(theCase, target)
    }
    let visits = 8
    const [same, none, empty, streamed, changing] = await Promise.all([
      judged('Content-Length: 5\r\n'),
      judged(''),
      judged('Content-Length: 0\r\n'),
      judged(
        'Content-Length: 5\r\n',
        () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ),
      judged('Content-Length: 1\r\n', () => page(String(++visits))),
    ])
    assert.deepEqual(
      [same, none, streamed].map(({ verdict }) => verdict),
      ['pass', 'pass', 'pass'],
    )
    assert.deepEqual([empty.verdict, empty.reason], ['fail', 'HEAD says Content-Length: 0, and GET gives 5 bytes'])
    assert.deepEqual([changing.verdict, changing.reason], ['not-judged', 'the page has no fixed size: 1 bytes, then 2'])
  })

  test('may have interim ones before it: exactly those that the case wants', async () => {
    const target = await answering(() => `HTTP/1.1 100 Continue\r\n\r\n${ok}`)
    const interim = (exactly: number[]): Step[] => [{ send: get }, { interim: { exactly, within: 50 } }]
    const verdicts = [[100], [], [100, 100]].map(
      async (exactly) => (await runCase(caseOf(interim(exactly)), target)).verdict,
    )
    assert.deepEqual(await Promise.all(verdicts), ['pass', 'fail', 'fail'])
  })

  test('on a connection that stays open can be what is wanted', async () => {
    const target = await answering(() => ok)
    const ends = (accept: string[]): Step[] => [
      { send: get },
      { closes: { due: { from: 'sent', withinMs: 50 }, accept } },
    ]
    assert.equal((await runCase(caseOf(ends(['fin', '2xx then open'])), target)).verdict, 'pass')
    assert.equal((await runCase(caseOf(ends(['fin', '4xx then open'])), target)).verdict, 'fail')
    assert.equal((await runCase(caseOf(ends(['2xx then fin'])), target)).verdict, 'fail')
  })
})

describe('a limit in what is sent', () => {
  const heard = async (theCase: Case, limits: Partial<Policy>) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    let text = ''
    const target = await serving((socket) => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (text.includes('\r\n\r\n')) resolve(text)
      })
    })
    const paths = { hello: '/', upload: '/upload' }
    const run = await runCase(theCase, { ...target, paths, policy: { ...policy, ...limits } })
    return { run, text: run.verdict === 'not-judged' ? '' : await promise }
  }
  const named = (id: string) => ({ ...(cases.find((one) => one.id === id) as Case), needs: [] })

  test('is one more than is allowed, whatever that is', async () => {
    const [body, head] = await Promise.all([
      heard(named('body-too-large'), { maxBodyBytes: 10 * 2 ** 20 }),
      heard(named('head-too-large'), { maxHeadBytes: 32 * 2 ** 10 }),
    ])
    assert.match(body.text, /\r\nContent-Length: 10485761\r\n/)
    assert.equal(/X-Pad: (x+)\r\n/.exec(head.text)?.[1]?.length, 33 * 2 ** 10)
  })

  test('that a case does not suit is not judged by it', async () => {
    const { run } = await heard(named('max-requests'), { maxRequestsPerConnection: 1_000 })
    assert.deepEqual(
      [run.verdict, run.reason],
      ['not-judged', 'it is asked of a maxRequestsPerConnection of 5, and this is 1000'],
    )
  })
})

describe('what the RFC leaves to the server', () => {
  const refuses: Step[] = [
    { send: get },
    { closes: { due: { from: 'sent', withinMs: 100 }, accept: ['400 then fin'], allowed: ['400 then open'] } },
  ]
  const refusal = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'
  const ends: Readonly<Record<string, (socket: Socket) => void>> = {
    'keeps the connection': () => {},
    'ends it by RST': (socket) => setTimeout(() => socket.resetAndDestroy(), 20),
  }
  for (const [what, then] of Object.entries(ends)) {
    test(`is no failure of one that has promised nothing and ${what}`, async () => {
      const target = await serving((socket) =>
        socket.on('data', () => {
          socket.write(refusal)
          then(socket)
        }),
      )
      const must = caseOf(refuses, { level: 'must' })
      assert.equal((await runCase(must, target)).verdict, 'fail')
      assert.equal((await runCase(must, { ...target, foreign: { measured: {} } })).verdict, 'deviation')
    })
  }

  test('is no licence to take what must be refused', async () => {
    const target = await serving((socket) => socket.on('data', () => socket.write(ok)))
    const must = caseOf(refuses, { level: 'must' })
    const run = await runCase(must, { ...target, foreign: { measured: {} } })
    assert.deepEqual([run.verdict, run.reason?.startsWith('200 then open after')], ['fail', true])
  })
})

describe('the count of what was executed', () => {
  const counting = async (by: number, text = (count: number) => `${count}\n`) => {
    let count = 7
    const target = await serving((socket) => {
      socket.on('data', () => {
        count += by
        const body = text(count)
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      })
    })
    return { ...target, paths: { hello: '/', count: '/count' } }
  }
  const once: Step[] = [{ counted: 'note' }, { counted: { more: 1 } }]

  test('must be as much greater as the case says, whatever it was before', async () => {
    assert.equal((await runCase(caseOf(once), await counting(1))).verdict, 'pass')
    const twice = await runCase(caseOf(once), await counting(2))
    assert.deepEqual([twice.verdict, twice.reason], ['fail', 'the application was asked 2 times, wanted 1'])
    assert.equal((await runCase(caseOf(once), await counting(0))).verdict, 'fail')
  })

  test('that is no number is no failure of the server’s', async () => {
    assert.equal((await runCase(caseOf(once), await counting(1, () => ''))).verdict, 'setup-failed')
  })

  test('is not asked of a target without that route', async () => {
    const run = await runCase(caseOf(once), await serving(() => {}))
    assert.deepEqual([run.verdict, run.reason], ['not-judged', 'no route for count'])
  })
})

function standStill(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

describe('whose fault it was', () => {
  test('a step of the set-up that fails is no failure of the server', async () => {
    const run = await runCase(
      caseOf(closesIdle),
      await serving((socket) => socket.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n')),
    )
    assert.equal(run.verdict, 'setup-failed')
  })

  test('a server that is not there has failed nothing', async () => {
    const target = await serving(() => {})
    servers.pop()?.close()
    assert.equal((await runCase(caseOf(closesIdle), target)).verdict, 'setup-failed')
  })

  test('an event loop that stood still is the harness’s failure', async () => {
    const target = await serving(then(1_200, (socket) => socket.end()))
    const running = runCase(caseOf(closesIdle), target)
    setTimeout(standStill, 100, 400)
    assert.equal((await running).verdict, 'harness-failed')
  })

  test('so is an end that came in time and was heard after a standstill, before any timer', async () => {
    const target = await serving(
      then(300, (socket) => {
        socket.resetAndDestroy()
        standStill(900)
      }),
    )
    const { verdict, reason } = await runCase(caseOf(closesIdle), target, { tolerated: ['reset'] })
    assert.deepEqual(
      [verdict, reason?.split(';')[0]?.replace(/\d+/, 'N')],
      ['harness-failed', 'our event loop stood still for N ms'],
    )
  })

  test('a look at a server of which nothing is known takes any end for one, and no end for a leak', async () => {
    const measured = { measureMs: 700 }
    const reset = await serving(then(300, (socket) => socket.resetAndDestroy()))
    const found = await runCase(caseOf(closesIdle), { ...reset, ...measured }, { tolerated: ['.*'] })
    assert.deepEqual([found.verdict, found.observed], ['deviation', 'reset'])
    assert.ok((found.observedMs ?? 0) >= 290, String(found.observedMs))

    const silent = await serving(then(60_000, (socket) => socket.end()))
    const running = runCase(caseOf(closesIdle), { ...silent, ...measured }, { tolerated: ['.*'] })
    setTimeout(standStill, 100, 400)
    const leak = await running
    assert.deepEqual([leak.verdict, leak.observed], ['fail', 'open'])
  })

  test('a server that has promised no end of a kind may choose, in what is only our policy', async () => {
    const target = await serving(then(220, (socket) => socket.resetAndDestroy()))
    const tolerated = ['reset']
    assert.equal((await runCase(caseOf(closesIdle), target, { tolerated })).verdict, 'deviation')
    assert.equal((await runCase(caseOf(closesIdle, { level: 'must' }), target, { tolerated })).verdict, 'fail')
  })

  test('a limit that is off, and a route that is not there, are not judged', async () => {
    const target = await serving(() => {})
    const off = await runCase(caseOf(closesIdle, { limits: ['headTimeoutMs'] }), target)
    assert.deepEqual([off.verdict, off.reason], ['not-judged', 'headTimeoutMs is off'])
    const missing = await runCase(caseOf([{ send: 'GET {slow} HTTP/1.1\r\n\r\n' }]), target)
    assert.deepEqual([missing.verdict, missing.reason], ['not-judged', 'no route for slow'])
  })

  test('what needs a case that failed is not judged', async () => {
    const target = await serving((socket) => socket.destroy())
    const first = caseOf([{ send: get }, { answer: { status: [200], within: 500 } }], { id: 'first' })
    const second = caseOf(closesIdle, { id: 'second', needs: ['first'] })
    const runs = await runCases([first, second], target)
    assert.deepEqual(
      runs.map(({ verdict }) => verdict),
      ['fail', 'not-judged'],
    )
  })
})

describe('the client', () => {
  test('sees FIN and still sends', async () => {
    let late = ''
    const target = await serving((socket) => {
      socket.end()
      socket.on('data', (chunk) => {
        late += chunk
      })
    })
    const connection = await Connection.open(target)
    assert.ok(await connection.until(() => connection.end === 'fin', performance.now() + 1_000))
    connection.send('late')
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(late, 'late')
    connection.destroy()
  })

  test('takes the first end for the end: an RST that answers its own late bytes changes nothing', async () => {
    const target = await serving((socket) => socket.end(() => socket.destroy()))
    const connection = await Connection.open(target)
    await connection.until(() => connection.end !== 'open', performance.now() + 1_000)
    for (let i = 0; i < 3; i++) {
      connection.send('x')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal(connection.end, 'fin')
    assert.ok(connection.timeline.some(({ what }) => what === 'reset'))
    connection.destroy()
  })

  test('that pauses takes no more than its own buffer', async () => {
    const target = await serving((socket) => socket.write(Buffer.alloc(4_000_000)))
    const connection = await Connection.open(target)
    connection.pause()
    const before = connection.receivedBytes
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(connection.receivedBytes, before)
    connection.drip(1_000, 10)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const dripped = connection.receivedBytes - before
    assert.ok(dripped > 1_000 && dripped <= 25_000, `${dripped} bytes in 200 ms`)
    connection.destroy()
  })

  test('resets', async () => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const target = await serving((socket) => {
      socket.resume()
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
    const connection = await Connection.open(target)
    connection.reset()
    assert.equal(await promise, 'ECONNRESET')
  })
})
