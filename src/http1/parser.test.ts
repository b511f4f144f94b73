import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { RequestParser, ResponseParser } from './parser.ts'
import { ask, bytesOf, limits, Recording, serve } from './sink.recording.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n'
const post = 'POST / HTTP/1.1\r\nHost: a\r\n'
const ok = 'HTTP/1.1 200 OK\r\n'

/** The only request in these bytes, which must be right. */
function only(text: string) {
  const { messages, refused } = serve([bytesOf(text)])
  assert.equal(refused, null)
  assert.equal(messages.length, 1)
  assert.ok(messages[0]!.whole)
  return messages[0]!
}

function answer(text: string, method = 'GET') {
  const { messages, refused } = ask(method, [bytesOf(text)])
  assert.equal(refused, null)
  assert.equal(messages.length, 1)
  assert.ok(messages[0]!.whole)
  return messages[0]!
}

function server() {
  const recording = new Recording<any>()
  return { recording, parser: new RequestParser(recording, limits) }
}

test('fields keep order, case and repetition, and lose the white space around their values', () => {
  const { head } = only(`${get}x-B: 1\r\nX-a:\t two words \t\r\nX-b:3\r\nEmpty:\r\nObs: \xfc\r\n\r\n`)
  const raw = ['Host', 'a', 'x-B', '1', 'X-a', 'two words', 'X-b', '3', 'Empty', '', 'Obs', '\xfc']
  assert.deepEqual(head.raw, raw)
})

test('a request tells its method, target and version', () => {
  const { head } = only('M-SEARCH /a?b=|"c HTTP/1.1\r\nHost: a:80\r\n\r\n')
  assert.deepEqual(
    [head.method, head.target, head.path, head.host, head.minor],
    ['M-SEARCH', '/a?b=|"c', '/a?b=|"c', 'a:80', 1],
  )
})

test('methods that share a length and a letter with a common one keep their names', () => {
  for (const method of ['GOT', 'POSH', 'PEST', 'HEAP', 'GET', 'HEAD', 'POST', 'get']) {
    assert.equal(only(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`).head.method, method)
  }
})

test('the head tells its size on the wire', () => {
  const text = `${get}A: b\r\n\r\n`
  assert.equal(only(text).head.size, text.length)
})

const targets = [
  { line: 'GET http://b.example:81/x?y HTTP/1.1', host: 'b.example:81', path: '/x?y' },
  { line: 'GET HTTP://b HTTP/1.1', host: 'b', path: '/' },
  { line: 'GET https://b?y HTTP/1.1', host: 'b', path: '/?y' },
  { line: 'OPTIONS http://b HTTP/1.1', host: 'b', path: '*' },
  { line: 'OPTIONS * HTTP/1.1', host: 'a', path: '*' },
  { line: 'OPTIONS / HTTP/1.1', host: 'a', path: '/' },
  { line: 'GET //b/c HTTP/1.1', host: 'a', path: '//b/c' },
  { line: 'GET /http://b/ HTTP/1.1', host: 'a', path: '/http://b/' },
]
for (const { line, host, path } of targets) {
  test(`${line} is for ${path} on ${host}`, () => {
    const { head } = only(`${line}\r\nHost: a\r\n\r\n`)
    assert.deepEqual([head.host, head.path], [host, path])
  })
}

for (const host of [
  '',
  'a',
  'a.',
  'a_b',
  'xn--bcher-kva.example',
  '127.0.0.1:8080',
  '[::1]',
  '[2001:db8::1]:443',
  'a:',
  '%41',
]) {
  test(`Host ${JSON.stringify(host)} is one`, () => {
    assert.equal(only(`GET / HTTP/1.1\r\nhOST:${host}\r\n\r\n`).head.host, host)
  })
}

test('a Host that was right for one request does not excuse the next', () => {
  const { messages, refused } = serve([bytesOf(`${get}\r\nGET / HTTP/1.1\r\nHost: a/b\r\n\r\n`)])
  assert.deepEqual([messages.length, refused], [1, 'bad-host'])
})

test('an empty Host is one behind another', () => {
  const { messages, refused } = serve([bytesOf(`${get}\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n`)])
  assert.deepEqual([messages[1]!.head.host, refused], ['', null])
})

test('HTTP/1.0 needs no Host', () => {
  assert.equal(only('GET / HTTP/1.0\r\n\r\n').head.host, '')
})

test('a later minor version counts as 1.1', () => {
  assert.equal(only('GET / HTTP/1.9\r\nHost: a\r\n\r\n').head.minor, 1)
})

const persistence = [
  { version: '1.1', connection: null, keepAlive: true },
  { version: '1.1', connection: 'close', keepAlive: false },
  { version: '1.1', connection: 'x, CLOSE', keepAlive: false },
  { version: '1.1', connection: 'x\r\nConnection: close', keepAlive: false },
  { version: '1.1', connection: 'keep-alive, close', keepAlive: false },
  { version: '1.1', connection: 'closed', keepAlive: true },
  { version: '1.0', connection: null, keepAlive: false },
  { version: '1.0', connection: 'Keep-Alive', keepAlive: true },
  { version: '1.0', connection: 'keep-alive, close', keepAlive: false },
  { version: '1.0', connection: 'x', keepAlive: false },
]
for (const { version, connection, keepAlive } of persistence) {
  test(`HTTP/${version} with Connection: ${JSON.stringify(connection)} ${keepAlive ? 'persists' : 'does not persist'}`, () => {
    const fields = `Host: a\r\n${connection === null ? '' : `Connection: ${connection}\r\n`}`
    assert.equal(only(`GET / HTTP/${version}\r\n${fields}\r\n`).head.keepAlive, keepAlive)
    assert.equal(answer(`HTTP/${version} 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`).head.keepAlive, keepAlive)
  })
}

test('100 is expected in any case, by HTTP/1.1 only, and by nothing else', () => {
  const expects = (version: string, value: string) =>
    only(`POST / HTTP/${version}\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 0\r\n\r\n`).head.expectContinue
  assert.equal(expects('1.1', '100-continue'), true)
  assert.equal(expects('1.1', '100-Continue'), true)
  assert.equal(expects('1.0', '100-continue'), false)
  assert.equal(expects('1.1', '200-ok'), false)
})

test('an upgrade counts if Connection nominates it and the version is 1.1', () => {
  const upgrade = (version: string, fields: string) =>
    only(`GET / HTTP/${version}\r\nHost: a\r\n${fields}\r\n\r\n`).head.upgrade
  assert.equal(upgrade('1.1', 'Connection: keep-alive, Upgrade\r\nUpgrade: websocket'), 'websocket')
  assert.equal(upgrade('1.1', 'Upgrade: a/1\r\nUpgrade: b\r\nConnection: upgrade'), 'a/1, b')
  assert.equal(upgrade('1.1', 'Upgrade: websocket'), null)
  assert.equal(upgrade('1.1', 'Connection: Upgrade'), null)
  assert.equal(upgrade('1.0', 'Connection: Upgrade\r\nUpgrade: websocket'), null)
})

test('a request without framing has no body', () => {
  const { head } = only(`${post}\r\n`)
  assert.deepEqual([head.framing, head.bodyLength], ['none', 0])
})

test('Content-Length delimits a body', () => {
  const { head, body } = only(`${post}Content-Length: 0005\r\n\r\n12345`)
  assert.deepEqual([head.framing, head.bodyLength, body], ['length', 5, '12345'])
  assert.equal(only(`${post}Content-Length: 0\r\n\r\n`).body, '')
})

test('the longest Content-Length is 2^53 - 1', () => {
  const { messages, refused } = serve([bytesOf(`${post}Content-Length: 9007199254740991\r\n\r\n`)], false)
  assert.equal(refused, null)
  assert.equal(messages[0]!.head.bodyLength, Number.MAX_SAFE_INTEGER)
})

const codings = ['chunked', 'Chunked', 'CHUNKED', ' chunked \t']
for (const coding of codings) {
  test(`Transfer-Encoding ${JSON.stringify(coding)} delimits a body`, () => {
    const { head, body } = only(`${post}Transfer-Encoding:${coding}\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n`)
    assert.deepEqual([head.framing, head.bodyLength, body], ['chunked', -1, 'abc0123456789'])
  })
}

const extensions = [
  'a',
  'a=b',
  'a="b;\\"c\r"'.replace('\r', ''),
  ' a',
  ' a = b',
  ' a ; b',
  'a="\xfc"\t;b',
  'a;b=c;d=""',
]
for (const extension of extensions) {
  test(`the chunk extension ${JSON.stringify(extension)} is ignored`, () => {
    const { body } = only(`${post}Transfer-Encoding: chunked\r\n\r\n3;${extension}\r\nabc\r\n0;${extension}\r\n\r\n`)
    assert.equal(body, 'abc')
  })
}

test('trailers are delivered and the next request still works', () => {
  const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nx-sum:  2\r\n\r\n`
  const { messages, refused } = serve([bytesOf(`${chunked}${get}\r\n`)])
  assert.equal(refused, null)
  assert.deepEqual(messages[0]!.trailers, ['X-Sum', '1', 'x-sum', '2'])
  assert.equal(messages[1]!.head.method, 'GET')
})

test('a head of exactly the limit passes, with one byte less it does not', () => {
  const text = `${get}A: b\r\n\r\n`
  const within = (maxHeadBytes: number) => serve([bytesOf(text)], true, { ...limits, maxHeadBytes }).refused
  assert.equal(within(text.length), null)
  assert.equal(within(text.length - 1), 'head-too-large')
})

test('lines and targets of exactly their limits pass', () => {
  const text = bytesOf('GET /234567 HTTP/1.1\r\nHost: 7\r\nAbcde: 7\r\n\r\n')
  assert.equal(serve([text], true, { ...limits, maxTargetBytes: 7, maxFieldBytes: 8, maxFields: 2 }).refused, null)
})

test('a body of exactly the limit passes', () => {
  const within = { ...limits, maxBodyBytes: 5 }
  assert.equal(serve([bytesOf(`${post}Content-Length: 5\r\n\r\n12345`)], true, within).refused, null)
  assert.equal(
    serve([bytesOf(`${post}Transfer-Encoding: chunked\r\n\r\n2\r\n12\r\n3\r\n345\r\n0\r\n\r\n`)], true, within).refused,
    null,
  )
})

test('pipelined requests come one at a time, the next one after next()', () => {
  const { recording, parser } = server()
  parser.feed(bytesOf(`${get}\r\n${post}Content-Length: 2\r\n\r\nab${get}\r\n`))
  assert.equal(recording.messages.length, 1)
  assert.equal(parser.idle, false)
  parser.next()
  assert.equal(recording.messages.length, 2)
  assert.equal(recording.messages[1]!.body, 'ab')
  parser.next()
  assert.equal(recording.messages.length, 3)
  assert.equal(parser.idle, true)
  parser.next()
  assert.equal(recording.messages.length, 3)
})

test('a bad pipelined request leaves the good one before it alone', () => {
  const { recording, parser } = server()
  parser.feed(bytesOf(`${get}\r\nGET /\r\n`))
  assert.deepEqual([recording.messages.length, recording.refused], [1, null])
  parser.next()
  assert.equal(recording.refused, 'bad-request-line')
})

test('next() before the message is whole is a fault of the caller', () => {
  const { parser } = server()
  assert.throws(() => parser.next(), /phase head/)
  parser.feed(bytesOf(`${post}Content-Length: 2\r\n\r\na`))
  assert.throws(() => parser.next(), /phase length/)
})

test('feed() from within a callback is a fault of the caller', () => {
  const { recording, parser } = server()
  recording.afterMessage = () => parser.feed(bytesOf('x'))
  assert.throws(() => parser.feed(bytesOf(`${get}\r\n`)), /callback/)
})

test('what is kept between calls is a copy, of a Node Buffer too', () => {
  const { recording, parser } = server()
  const shared = Buffer.from(get)
  parser.feed(shared)
  shared.fill(0)
  parser.feed(Buffer.from('\r\n'))
  assert.equal(recording.messages[0]!.head.host, 'a')
})

test('a body in one piece with its head is told at once, later ones in pieces', () => {
  const told: string[] = []
  const sink = {
    onFull: (_: unknown, body: Uint8Array | null) => told.push(`full ${body?.length ?? null}`),
    onHead: () => told.push('head'),
    onData: (piece: Uint8Array) => void told.push(`data ${piece.length}`),
    onEnd: () => told.push('end'),
    onReject: (reason: string) => told.push(reason),
  }
  const parser = new RequestParser(sink as any, limits)
  const framed = `${post}Content-Length: 3\r\n\r\n`
  for (const piece of [`${framed}abc`, framed, 'a', 'bc', `${post}Content-Length: 0\r\n\r\n`]) {
    parser.feed(bytesOf(piece))
    if (told.at(-1)!.startsWith('full') || told.at(-1) === 'end') parser.next()
  }
  assert.deepEqual(told, ['full 3', 'head', 'data 1', 'data 2', 'end', 'full null'])
})

test('a paused parser tells nothing more until resume(), and loses nothing', () => {
  const { recording, parser } = server()
  recording.afterData = () => false
  const told = () => [recording.messages[0]!.body, recording.messages[0]!.whole]
  parser.feed(bytesOf(`${post}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n`))
  assert.deepEqual(told(), ['ab', false])
  assert.equal(parser.paused, true)
  parser.feed(bytesOf(`1\r\ne\r\n0\r\n\r\n${get}\r\n`))
  assert.deepEqual(told(), ['ab', false])
  parser.resume()
  assert.deepEqual(told(), ['abcd', false])
  parser.resume()
  assert.deepEqual(told(), ['abcde', false])
  parser.resume()
  assert.deepEqual(told(), ['abcde', true])
  parser.next()
  assert.equal(recording.messages.length, 2)
})

test('a pause on the last byte holds the end back', () => {
  const { recording, parser } = server()
  recording.afterData = () => false
  parser.feed(bytesOf(`${post}Content-Length: 2\r\n\r\n`))
  parser.feed(bytesOf('ab'))
  assert.equal(recording.messages[0]!.whole, false)
  parser.resume()
  assert.equal(recording.messages[0]!.whole, true)
})

test('a FIN while paused is seen after resume()', () => {
  const recording = new Recording<any>()
  const parser = new ResponseParser(recording, limits)
  recording.afterData = () => false
  parser.next('GET')
  parser.feed(bytesOf(`${ok}\r\nab`))
  parser.end()
  assert.equal(recording.messages[0]!.whole, false)
  parser.resume()
  assert.equal(recording.messages[0]!.whole, true)
})

test('a FIN between requests is nothing', () => {
  for (const text of ['', '\r\n', `${get}\r\n`, `${get}\r\n\r\n`, `${get}\r\n\r`]) {
    assert.equal(serve([bytesOf(text)]).refused, null)
  }
})

test('a FIN behind a pipelined half request is seen after next()', () => {
  const { recording, parser } = server()
  parser.feed(bytesOf(`${get}\r\nGET`))
  parser.end()
  assert.equal(recording.refused, null)
  parser.next()
  assert.equal(recording.refused, 'cut-off')
})

test('empty lines are no byte of a request', () => {
  const { parser } = server()
  assert.equal(parser.idle, true)
  parser.feed(bytesOf('\r'))
  assert.equal(parser.idle, true)
  parser.feed(bytesOf('\n\r\n'))
  assert.deepEqual([parser.idle, parser.headBytes], [true, 0])
  parser.feed(bytesOf('G'))
  assert.deepEqual([parser.idle, parser.headBytes], [false, 1])
  parser.feed(bytesOf('ET'))
  assert.equal(parser.headBytes, 3)
})

test('each request may have empty lines before it', () => {
  const { messages, refused } = serve([bytesOf(`\r\n\r\n\r\n\r\n${get}\r\n`.repeat(3))])
  assert.deepEqual([messages.length, refused], [3, null])
})

test('bytes of head and body are counted', () => {
  const { parser } = server()
  const head = `${post}Content-Length: 5\r\n\r\n`
  parser.feed(bytesOf(`${head}12`))
  assert.deepEqual([parser.headBytes, parser.bodyBytes, parser.idle], [head.length, 2, false])
  parser.feed(bytesOf('345'))
  assert.deepEqual([parser.headBytes, parser.bodyBytes, parser.idle], [head.length, 5, true])
  parser.next()
  assert.deepEqual([parser.headBytes, parser.bodyBytes], [0, 0])
})

test('an upgrade takes over what was read beyond the head, and the parser is done', () => {
  const { recording, parser } = server()
  recording.afterMessage = () => {
    assert.deepEqual(parser.takeLeftover(), bytesOf('\x81\x00'))
  }
  parser.feed(bytesOf(`${get}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00`))
  parser.feed(bytesOf('\x81\x00'))
  assert.deepEqual([recording.messages.length, recording.refused], [1, null])
  assert.equal(parser.takeLeftover().length, 0)
})

test('an upgrade that nobody accepts is ignored and the next request is read', () => {
  const { messages } = serve([bytesOf(`${get}Connection: Upgrade\r\nUpgrade: x\r\n\r\n${get}\r\n`)])
  assert.equal(messages.length, 2)
})

test('after a refusal everything is ignored', () => {
  const { recording, parser } = server()
  parser.feed(bytesOf('GET /\r\n'))
  parser.feed(bytesOf(`${get}\r\n`))
  parser.end()
  assert.deepEqual([recording.refused, recording.messages.length], ['bad-request-line', 0])
})

test('a trickled head costs one pass for each of its lines, not for each byte', () => {
  const { parser } = server()
  parser.feed(bytesOf('GET / HTTP/1.1\r\nHost: a\r\nA: '))
  const start = performance.now()
  const byte = bytesOf('a')
  for (let i = 0; i < 16_000; i++) parser.feed(byte)
  // A pass a byte is 128 million steps.
  assert.ok(performance.now() - start < 100)
})

test('an answer tells its status and reason', () => {
  const { head } = answer('HTTP/1.1 404 Not \xfcber\r\nContent-Length: 0\r\n\r\n')
  assert.deepEqual([head.status, head.reason], [404, 'Not \xfcber'])
  for (const line of ['HTTP/1.1 299', 'HTTP/1.1 299 ']) {
    const bare = answer(`${line}\r\nContent-Length: 0\r\n\r\n`).head
    assert.deepEqual([bare.status, bare.reason], [299, ''])
  }
})

const bodies = [
  { text: `${ok}Content-Length: 2\r\n\r\nab`, framing: 'length', body: 'ab' },
  { text: `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`, framing: 'chunked', body: 'ab' },
  { text: `${ok}\r\nab`, framing: 'close', body: 'ab' },
  { text: `${ok}\r\n`, framing: 'close', body: '' },
  { text: `${ok}Content-Length: 2\r\n\r\n`, method: 'HEAD', framing: 'none', body: '' },
  { text: `${ok}Transfer-Encoding: chunked\r\n\r\n`, method: 'HEAD', framing: 'none', body: '' },
  { text: 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', framing: 'none', body: '' },
  { text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', framing: 'none', body: '' },
  { text: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', framing: 'length', body: '' },
]
for (const { text, method, framing, body } of bodies) {
  test(`${method ?? 'GET'} answered by ${JSON.stringify(text)} has a body by ${framing}`, () => {
    const message = answer(text, method)
    assert.deepEqual([message.head.framing, message.body], [framing, body])
  })
}

test('a HEAD answer may announce a body over the limit: none comes', () => {
  const within = { ...limits, maxBodyBytes: 1 }
  assert.equal(ask('HEAD', [bytesOf(`${ok}Content-Length: 2\r\n\r\n`)], true, within).refused, null)
})

test('interim answers come before the answer', () => {
  const early = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
  const { informational, messages, refused } = ask('GET', [bytesOf(`${early}${ok}Content-Length: 0\r\n\r\n`)])
  assert.deepEqual(
    informational.map(({ status }) => status),
    [100, 103],
  )
  assert.deepEqual([messages.length, messages[0]!.head.status, refused], [1, 200, null])
})

function client(method: string) {
  const recording = new Recording<any>()
  const parser = new ResponseParser(recording, limits)
  parser.next(method)
  return { recording, parser }
}

test('101 hands the connection over', () => {
  const { recording, parser } = client('GET')
  parser.feed(bytesOf('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nab'))
  assert.deepEqual([recording.messages[0]!.head.upgrade, recording.refused, parser.reusable], ['x', null, false])
  assert.deepEqual(parser.takeLeftover(), bytesOf('ab'))
})

test('2xx to CONNECT hands the connection over, another answer does not', () => {
  const tunnel = client('CONNECT')
  tunnel.parser.feed(bytesOf(`${ok}Content-Length: 1\r\n\r\nab`))
  assert.deepEqual(tunnel.parser.takeLeftover(), bytesOf('ab'))
  const refusal = client('CONNECT')
  refusal.parser.feed(bytesOf('HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\na'))
  assert.equal(refusal.parser.reusable, true)
})

test('a connection is reusable after a whole answer that allows it, with nothing behind', () => {
  const reusable = (text: string, method = 'GET') => {
    const { parser } = client(method)
    parser.feed(bytesOf(text))
    return parser.reusable
  }
  assert.equal(reusable(`${ok}Content-Length: 1\r\n\r\na`), true)
  assert.equal(reusable(`${ok}Content-Length: 2\r\n\r\na`), false)
  assert.equal(reusable(`${ok}Content-Length: 1\r\n\r\nab`), false)
  assert.equal(reusable(`${ok}Connection: close\r\nContent-Length: 0\r\n\r\n`), false)
  assert.equal(reusable(`${ok}\r\n`), false)
  assert.equal(reusable(`${ok}\r\n`, 'HEAD'), true)
  const ended = client('GET')
  ended.parser.feed(bytesOf(`${ok}\r\n`))
  ended.parser.end()
  assert.deepEqual([ended.recording.messages[0]!.whole, ended.parser.reusable], [true, false])
})

test('bytes behind an answer never answer the next request, even if it is sent in the callback', () => {
  const recording = new Recording<any>()
  const parser = new ResponseParser(recording, limits)
  recording.afterMessage = () => {
    assert.equal(parser.reusable, false)
    parser.next('GET')
  }
  parser.next('GET')
  parser.feed(bytesOf(`${ok}Content-Length: 0\r\n\r\n`.repeat(2)))
  assert.deepEqual([recording.messages.length, recording.refused], [1, 'extra-bytes'])
})

test('bytes before any request are refused', () => {
  const recording = new Recording<any>()
  new ResponseParser(recording, limits).feed(bytesOf(ok))
  assert.equal(recording.refused, 'extra-bytes')
})

test('a client whose peer is silent is idle', () => {
  const { parser } = client('GET')
  assert.equal(parser.idle, true)
  parser.feed(bytesOf('H'))
  assert.deepEqual([parser.idle, parser.headBytes], [false, 1])
})
