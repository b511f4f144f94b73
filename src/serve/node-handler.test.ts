import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { Hono } from 'hono'
import { serve } from '../../runtimes/node/index.ts'
import { nodeStyleRefusal } from './node-handler.ts'
import { fetchOf } from './prepare.ts'

const nothing = () => {}

/** Of the shape that the packages have. */
const nodeStyle: Readonly<Record<string, [app: unknown, says: RegExp]>> = {
  'Express 5': [
    Object.assign((_a: unknown, _b: unknown, _c: unknown) => {}, {
      handle: nothing,
      use: nothing,
      set: nothing,
      listen: nothing,
    }),
    /^an Express or Connect application .* give app to toFetchHandler of srvx\/node/,
  ],
  Connect: [
    Object.assign((_a: unknown, _b: unknown, _c: unknown) => {}, { handle: nothing, use: nothing }),
    /Express or Connect/,
  ],
  'Koa 3': [
    { use: nothing, callback: nothing, listen: nothing, emit: nothing },
    /^a Koa application .*app\.callback\(\)/,
  ],
  'the callback of Koa': [(req: unknown, res: unknown) => void [req, res], /^a handler \(req, res\) of Node/],
  'Fastify 5': [
    { inject: nothing, ready: nothing, routing: nothing, listen: nothing, server: createServer() },
    /^a Fastify instance .*app\.routing/,
  ],
  Nest: [{ getHttpAdapter: nothing, listen: nothing, use: nothing }, /^a Nest application .*getInstance\(\)/],
  Polka: [{ use: nothing, handler: nothing, listen: nothing }, /^a Polka application .*app\.handler/],
  'h3 1': [{ use: nothing, handler: nothing }, /^an h3 1 application .*toWebHandler/],
  Restify: [{ listen: nothing, use: nothing }, /^an application that listens by itself/],
  'node:http': [createServer(), /^an HTTP server .*its request listener/],
  'an arrow function': [
    (_req: IncomingMessage, res: ServerResponse) => res.end('x'),
    /^a handler \(req, res\) of Node/,
  ],
  'a function with next': [
    // biome-ignore lint/complexity/useArrowFunction: it is about functions.
    async function (request: unknown, response: unknown, next: () => void) {
      next()
      return [request, response]
    },
    /^a handler \(req, res\) of Node/,
  ],
}

const fetchStyle: Readonly<Record<string, unknown>> = {
  'a Hono app': new Hono(),
  'the fetch of a Hono app': new Hono().fetch,
  'a function': () => new Response(),
  'a function that wants env': (_request: Request, _env: unknown) => new Response(),
  'a function that calls its second parameter res': (_req: Request, _res: unknown) => new Response(),
  'an app of three parameters': (_request: Request, _env: unknown, _ctx: unknown) => new Response(),
  'a bound function': function fetch(this: unknown, _a: Request, _b: unknown) {
    return new Response()
  }.bind(null),
  'Elysia, with fetch beside handle, use and listen': {
    fetch: nothing,
    handle: nothing,
    use: nothing,
    listen: nothing,
  },
}

describe('nodeStyleRefusal', () => {
  for (const [name, [app, says]] of Object.entries(nodeStyle)) {
    test(`refuses ${name}, and serve() does`, async () => {
      assert.match(nodeStyleRefusal(app) ?? '', says)
      await assert.rejects(serve(app as never, { port: 0, host: '127.0.0.1' }), { code: 'CONFIG_INVALID' })
    })
  }

  for (const [name, app] of Object.entries(fetchStyle)) {
    test(`lets ${name} pass`, () => {
      assert.equal(nodeStyleRefusal(app), null)
      assert.equal(typeof fetchOf(app as never), 'function')
    })
  }

  test('has nothing to say of what is no application at all', () => {
    for (const value of [undefined, null, 1, 'x', {}]) {
      assert.equal(nodeStyleRefusal(value), null)
      assert.throws(() => fetchOf(value as never), { code: 'CONFIG_INVALID', message: /fetch function/ })
    }
  })
})
