/**
 * Bodies whose memory is used again, on connections that are full: each client, and each request's
 * upstream, gets its own bytes, all of them.
 */
import assert from 'node:assert/strict'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runtimeNames } from '../lib/runtimes.ts'
import { startGateway } from './process.ts'

/**
 * Together more than the buffers of both ends take (4 and 6 MB on Linux): an answer is stuck
 * half-way on each connection.
 */
const lengths = [0, 1, 4_095, 4_096, 15_000, 100_000, 130_000, 200_000, 262_144, 300_000]
const rounds = 15
const clients = 6
const pauseMs = 400

/** Every byte says whose it is. */
const byteOf = (id: number): number => 33 + (id % 90)

/** Pipelines all, and reads nothing for a while; returns the content of each answer. */
async function ask(port: number, ids: readonly number[]): Promise<Buffer[]> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(
    ids
      .map((id, i) => `GET /${id}/${lengths[i % lengths.length]} HTTP/1.1\r\nHost: a\r\n`)
      .map((head, i) => `${head}${i === ids.length - 1 ? 'Connection: close\r\n' : ''}\r\n`)
      .join(''),
  )
  await sleep(pauseMs)
  const all = await buffer(socket)
  const bodies: Buffer[] = []
  for (let at = 0; at < all.length; ) {
    const end = all.indexOf('\r\n\r\n', at) + 4
    const length = Number(/^content-length: (\d+)/im.exec(all.toString('latin1', at, end))?.[1])
    bodies.push(all.subarray(end, end + length))
    at = end + length
  }
  return bodies
}

async function startBackend(t: TestContext, listener: RequestListener): Promise<AddressInfo> {
  const backend = createServer(listener)
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    backend.closeAllConnections()
    backend.close()
  })
  return backend.address() as AddressInfo
}

function post(port: number, id: number, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', method: 'POST', path: `/${id}/${length}` }, (response) => {
      buffer(response).then((body) => resolve(`${response.statusCode} ${body}`), reject)
    })
      .on('error', reject)
      .end(Buffer.alloc(length, byteOf(id)))
  })
}

for (const runtime of runtimeNames) {
  test(`${runtime}: no client gets another's bytes, however long it lets them wait`, async (t) => {
    const backend = await startBackend(t, (request, response) => {
      const [, id, length] = (request.url ?? '').split('/').map(Number)
      response.end(Buffer.alloc(length!, byteOf(id!)))
    })
    const gateway = await startGateway(t, runtime, [backend])
    const count = rounds * lengths.length
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        const ids = Array.from({ length: count }, (_, i) => client * count + i)
        const bodies = await ask(gateway.port, ids)
        assert.equal(bodies.length, count)
        for (const [i, body] of bodies.entries()) {
          const length = lengths[i % lengths.length]!
          assert.equal(body.length, length)
          assert.ok(body.equals(Buffer.alloc(length, byteOf(ids[i]!))), `${length} bytes of request ${ids[i]}`)
        }
      }),
    )
  })
  test(`${runtime}: no upstream gets another request's bytes, also when it answers before it has them all`, async (t) => {
    const wrong: string[] = []
    const backend = await startBackend(t, async (request, response) => {
      const [, id, length] = (request.url ?? '').split('/').map(Number)
      if (id! % 5 === 0) response.end('early')
      if (id! % 3 === 0) await sleep(20)
      let bytes = 0
      request.on('error', () => {})
      for await (const piece of request as AsyncIterable<Buffer>) {
        bytes += piece.length
        if (!piece.equals(Buffer.alloc(piece.length, byteOf(id!)))) wrong.push(request.url!)
      }
      if (bytes !== length) wrong.push(`${request.url}: ${bytes}`)
      if (!response.writableEnded) response.end('late')
    })
    // Most wait for a connection, with their bytes.
    const gateway = await startGateway(t, runtime, [backend], ['--upstream-max-connections', '4'])
    const count = rounds * 4
    await Promise.all(
      Array.from({ length: clients * 4 }, async (_, client) => {
        for (let turn = 0; turn < count; turn++) {
          const id = client * count + turn
          const answer = await post(gateway.port, id, lengths[turn % lengths.length]!)
          assert.equal(answer, id % 5 === 0 ? '200 early' : '200 late')
        }
      }),
    )
    assert.deepEqual(
      wrong.filter((url) => !/^\/\d*[05]\//.test(url)),
      [],
    )
    assert.ok(
      wrong.every((url) => url.includes(':')),
      wrong.join(),
    )
  })
}
