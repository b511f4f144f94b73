import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ask, bytesOf, limits, serve } from './sink.recording.ts'

const get = (path: string, host = 'a') => bytesOf(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Field: 1\r\n\r\n`)
const requestOf = (...pieces: Uint8Array[]) => serve(pieces, false).messages.at(-1)?.head
const ok = bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n')

test('a head that comes again is not read again, wherever it begins', () => {
  const first = requestOf(get('/one'))
  assert.equal(requestOf(get('/one')), first)
  assert.equal(requestOf(get('/two')) === first, false)
  const [, second] = serve([get('/pipelined'), get('/pipelined')], false).messages
  assert.equal(requestOf(bytesOf('\r\n'), get('/pipelined')), second?.head)
})

test('a head that differs in one byte is read', () => {
  requestOf(get('/one'))
  assert.equal(requestOf(get('/onE'))?.path, '/onE')
  assert.equal(requestOf(get('/onE', 'b'))?.host, 'b')
  requestOf(get('/x', 'good'))
  assert.equal(serve([get('/x', 'go\0d')], false).refused, 'control-byte')
})

test('a head that is longer than another server takes is refused there, though it was read here', () => {
  const long = get(`/${'a'.repeat(200)}`)
  requestOf(long)
  assert.equal(serve([long], false, { ...limits, maxHeadBytes: 100, maxTargetBytes: 300 }).refused, 'head-too-large')
})

test('a head with more fields than another server takes is refused there, though it was read here', () => {
  requestOf(get('/fields'))
  assert.equal(serve([get('/fields')], false, { ...limits, maxFields: 1 }).refused, 'too-many-fields')
})

test('a body that is too large is asked about each time', () => {
  let may = true
  const asking = { ...limits, maxBodyBytes: 10, mayTake: () => may }
  const post = bytesOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n')
  assert.equal(serve([post], false, asking).refused, null)
  may = false
  assert.equal(serve([post], false, asking).refused, 'body-too-large')
})

test('a response to HEAD has no body, whatever the same head said to GET', () => {
  assert.deepEqual(
    ['GET', 'HEAD', 'GET'].map((method) => ask(method, [ok], false).messages[0]?.head.framing),
    ['length', 'none', 'length'],
  )
})

test('what was read before changes nothing of what is read', () => {
  const line = fc.constantFrom(
    'Host: a',
    'Host: b',
    'Content-Length: 1',
    'Content-Length: 2',
    'Connection: close',
    'A:b',
  )
  const head = fc
    .tuple(fc.constantFrom('GET / HTTP/1.1', 'PUT / HTTP/1.1', 'PUT / HTTP/1.0'), fc.array(line, { maxLength: 4 }))
    .map(([start, lines]) => bytesOf(`${[start, ...lines].join('\r\n')}\r\n\r\nxx`))
  fc.assert(
    fc.property(head, head, (before, now) => {
      const told = (within: typeof limits) => {
        const { messages, refused } = serve([now], true, within)
        return { messages, refused }
      }
      serve([before])
      assert.deepEqual(told(limits), told({ ...limits }))
    }),
  )
})
