import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BodyReason, holdReaders } from '../../../src/native/request-body.ts'
import { type BodyPolicy, TimedBody } from './body.ts'
import { Sweep } from './sweep.ts'

holdReaders()

const policy: BodyPolicy = { bodyTimeoutMs: 300, minBodyBytesPerSec: 0, minRateGraceMs: 200, maxBodyBytes: 0 }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A POST whose body comes in pieces, each after its pause; `null` at the end: it never ends. */
function held(
  pieces: readonly (readonly [afterMs: number, text: string] | null)[],
  limits: Partial<BodyPolicy> = {},
  announced: number | null = null,
) {
  const reasons: BodyReason[] = []
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = pieces[at++]
        if (piece === null) return new Promise(() => {})
        if (piece === undefined) return controller.close()
        await sleep(piece[0])
        controller.enqueue(new TextEncoder().encode(piece[1]))
      },
    },
    { highWaterMark: 0 },
  )
  const headers = { 'content-type': 'application/json' }
  const request = new Request('http://a/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
  const state = new TimedBody(request, announced, { ...policy, ...limits }, new Sweep(), (reason) =>
    reasons.push(reason),
  )
  return { request, state, reasons }
}

test('every reader of the Request reads the whole body', async () => {
  const pieces = [[0, '{"a"'] as const, [20, ':1}'] as const]
  assert.deepEqual(await held(pieces).request.json(), { a: 1 })
  assert.equal(await held(pieces).request.text(), '{"a":1}')
  assert.equal((await held(pieces).request.arrayBuffer()).byteLength, 7)
  assert.equal((await held(pieces).request.blob()).size, 7)
  assert.equal(await new Response(held(pieces).request.body).text(), '{"a":1}')
  const { request, state } = held(pieces)
  const copy = request.clone()
  assert.deepEqual([await copy.text(), await request.text()], ['{"a":1}', '{"a":1}'])
  assert.ok(request instanceof Request && state.complete && request.bodyUsed)
})

test('a body that falls silent is refused, and the read fails', async () => {
  const { request, reasons, state } = held([[0, 'a'], null])
  await assert.rejects(request.text(), { code: 'BODY_REFUSED' })
  assert.deepEqual(reasons, ['body'])
  assert.equal(state.complete, false)
})

test('a body that keeps coming lives longer than its limit', async () => {
  const { request, reasons } = held(Array.from({ length: 6 }, () => [150, 'x'] as const))
  assert.equal(await request.text(), 'xxxxxx')
  assert.deepEqual(reasons, [])
})

test('a body slower than the rate is refused after the grace', async () => {
  const trickle = Array.from({ length: 20 }, () => [100, 'x'] as const)
  const { request, reasons } = held(trickle, { minBodyBytesPerSec: 50 })
  await assert.rejects(request.text(), { code: 'BODY_REFUSED' })
  assert.deepEqual(reasons, ['bodyRate'])
})

test('a small body is one read under one deadline', async () => {
  const small = { minBodyBytesPerSec: 1_000, minRateGraceMs: 100 }
  assert.deepEqual(await held([[50, '1']], small, 1).request.json(), 1)
  const { request, reasons } = held([null], small, 1)
  await assert.rejects(request.json(), { code: 'BODY_REFUSED' })
  assert.deepEqual(reasons, ['body'])
})

test('a body larger than allowed is refused in its middle', async () => {
  const { request, reasons } = held([[0, '1234'], [0, '5678'], null], { maxBodyBytes: 6 })
  await assert.rejects(request.text(), { code: 'BODY_REFUSED' })
  assert.deepEqual(reasons, ['bodyTooLarge'])
})

test('a body that the application does not read is nobody’s fault', async () => {
  const { request, reasons } = held([
    [0, 'a'],
    [0, 'b'],
  ])
  const reader = request.body!.getReader()
  await reader.read()
  await sleep(500)
  await reader.read()
  assert.deepEqual(reasons, [])
})
