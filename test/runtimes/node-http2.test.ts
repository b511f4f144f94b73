/** What node:http2 can't do, shown without our code: docs/engines.md and policy/http2.ts lean on it. */
import assert from 'node:assert/strict'
import { createServer, type ServerHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import { test } from 'node:test'
import { frame, headers, preface, types } from '../lib/http2-frames.ts'
import { eventually } from '../lib/wait.ts'

const largestStream = 2 ** 31 - 1

test('node:http2 drops a request that comes after a GOAWAY which takes every request, so one in two is no use', async (t) => {
  const asked: (string | undefined)[] = []
  const sessions: ServerHttp2Session[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    // A session without an open stream reads no more after GOAWAY.
    if (request.url !== '/open') response.end()
  })
  server.on('session', (session) => void sessions.push(session))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const client = connect({ port: address.port, host: '127.0.0.1' })
  t.after(() => {
    client.destroy()
    server.close()
  })
  let frames = Buffer.alloc(0)
  client.on('data', (bytes: Buffer) => (frames = Buffer.concat([frames, bytes])))
  const get = (stream: number, path: string) => headers(stream, { ':method': 'GET', ':path': path })
  const ping = (payload: string) => frame(types.ping, 0, 0, payload)
  const come = (text: string) => eventually(() => frames.includes(text, 0, 'latin1'), Boolean, 5_000)

  client.write(preface + get(1, '/open') + ping('open....'), 'latin1')
  assert.ok(await come('open....'))
  sessions[0]!.goaway(0, largestStream)
  assert.ok(await come(`\x07\0\0\0\0\0\x7F\xFF\xFF\xFF\0\0\0\0`))
  client.write(get(3, '/after') + ping('after...'), 'latin1')
  // It has read the request: the PING behind it is answered.
  assert.ok(await come('after...'))
  assert.deepEqual(asked, ['/open'])
})
