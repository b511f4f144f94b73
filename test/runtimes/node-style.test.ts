/**
 * What serve() says to a handler of Node’s own kind does help: an adapter makes an application of
 * it.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { toFetchHandler } from 'srvx/node'
import { serve } from '../../runtimes/node/index.ts'

async function handler(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of req) body += chunk
  res.setHeader('X-Method', req.method ?? '')
  res.write(`${req.url} `)
  res.end(body)
}

for (const engine of ['native', 'hangup'] as const) {
  test(`toFetchHandler of srvx/node under the ${engine} engine`, async (t) => {
    const options = { port: 0, host: '127.0.0.1', engine, signals: false }
    await assert.rejects(serve(handler as never, options), /toFetchHandler of srvx\/node/)
    const server = await serve(toFetchHandler(handler) as never, options)
    t.after(() => server.kill())
    const response = await fetch(`${server.url}a?b`, { method: 'POST', body: 'hello' })
    assert.equal(response.headers.get('x-method'), 'POST')
    assert.equal(await response.text(), '/a?b hello')
  })
}
