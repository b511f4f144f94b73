import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draining, noteServer, servesUntil } from './draining.ts'

const server = () => {
  const controller = new AbortController()
  const over = servesUntil(controller.signal)
  return { controller, over, signal: controller.signal }
}

test('without a server it never fires', () => {
  assert.equal(draining(new Request('http://a/')).aborted, false)
})

test('a request of the only server needs no note, a Hono context is as good, and a running drain is told', () => {
  const only = server()
  const request = new Request('http://a/')
  noteServer(request, only.signal)
  only.controller.abort()
  assert.equal(draining(request), only.signal)
  assert.equal(draining({ req: { raw: request } }), only.signal)
  only.over()
  assert.notEqual(draining(new Request('http://a/')), only.signal)
})

test('a loop that goes on asking after the end of its server hears of it, and of no other server', () => {
  const only = server()
  const request = new Request('http://a/')
  assert.equal(draining(request).aborted, false)
  only.controller.abort()
  only.over()
  assert.equal(draining(request).aborted, true)
  const next = server()
  assert.equal(draining(request).aborted, true)
  assert.equal(draining(new Request('http://a/')).aborted, false)
  next.over()
})

test('of several servers it is the one that asked', () => {
  const [a, b] = [server(), server()]
  const [one, two] = [new Request('http://a/'), new Request('http://b/')]
  noteServer(one, a.signal)
  noteServer(two, b.signal)
  assert.deepEqual([draining(one) === a.signal, draining(two) === b.signal], [true, true])
  const ofCopy = draining(new Request(two))
  b.controller.abort()
  assert.equal(ofCopy.aborted, true)
  a.over()
  assert.equal(draining(one), a.signal)
  b.over()
})
