import { type Case, failure } from '../case.ts'
import { upgradeWebSocket } from '../helpers.ts'
import { note } from '../journal.ts'

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const http1 = ['tcp', 'tls'] as const

const upgrade =
  'GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const asked = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const switched = { status: 101, fields: { 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' } }
/** "Hello", masked; and back. */
const hello = { sendsHex: '818537fa213d7f9f4d5158', receivesHex: '810548656c6c6f' }

const echo = (c: any) =>
  (upgradeWebSocket as any)(() => ({
    onMessage: (event: MessageEvent, socket: any) => socket.send(event.data),
    onClose: () => note(c.req, 'closed'),
  }))(c, async () => {})

export default [
  {
    id: 'websocket',
    title: 'upgradeWebSocket() echoes',
    see: ['RFC 6455 4.2.2'],
    over: [...http1],
    returns: echo,
    steps: [{ sends: upgrade, sees: [switched] }, hello],
  },
  {
    id: 'websocket-first-word',
    title: 'What the server sends when it opens is with the client',
    over: [...http1],
    returns: (c) =>
      (upgradeWebSocket as any)(() => ({ onOpen: (_: Event, socket: any) => socket.send('Hello') }))(c, async () => {}),
    steps: [
      { sends: upgrade, sees: [switched] },
      { sendsHex: '', receivesHex: hello.receivesHex },
    ],
  },
  {
    id: 'websocket-early-frame',
    title: 'A frame that comes in one packet with the upgrade is not lost',
    see: ['RFC 6455 4.1', 'issue 11.19'],
    over: [...http1],
    returns: echo,
    steps: [
      { sends: `${upgrade}${Buffer.from(hello.sendsHex, 'hex').toString('latin1')}`, sees: [switched] },
      { sendsHex: '', receivesHex: hello.receivesHex },
    ],
  },
  {
    id: 'websocket-behind-auth',
    title: 'An upgrade behind a middleware that waits echoes',
    over: [...http1],
    routes: (app) =>
      app.get(
        '/',
        async (_, next) => {
          await later(30)
          await next()
        },
        echo,
      ),
    steps: [{ sends: upgrade, sees: [switched] }, hello],
  },
  {
    id: 'websocket-refused',
    title: 'An upgrade that a middleware refuses is its answer, and the connection goes on or ends in order',
    over: [...http1],
    routes: (app) =>
      app.get(
        '/',
        async (c, next) => {
          await later(10)
          if (c.req.header('authorization') === undefined) return c.text('who?', 401)
          await next()
        },
        echo,
      ),
    steps: [{ ask: { fields: asked }, sees: { status: 401, body: 'who?', connection: 'either' } }],
  },
  {
    id: 'websocket-client-gone',
    title: 'A client that goes while the upgrade waits for its middleware ends nothing',
    see: ['issue 11.3'],
    over: [...http1],
    routes: (app) =>
      app.get(
        '/',
        async (c, next) => {
          await later(150)
          note(c.req, 'authorized')
          await next()
        },
        echo,
      ),
    steps: [{ abandons: { fields: asked }, by: 'reset', after: { ms: 50 } }, { notes: ['authorized'] }, { wait: 50 }],
    log: 'any',
  },
  {
    id: 'websocket-throws',
    title: 'A handler that throws before the upgrade is a 500, logged once',
    over: [...http1],
    async fetches() {
      await later(5)
      throw failure()
    },
    steps: [{ ask: { fields: asked }, sees: { status: 500, connection: 'either' } }],
    log: 'once',
  },
  {
    id: 'websocket-returns-nothing',
    title: 'A handler that returns nothing to an upgrade is a 500, logged once',
    over: [...http1],
    fetches: () => undefined,
    steps: [{ ask: { fields: asked }, sees: { status: 500, connection: 'either' } }],
    log: 'once',
  },
  {
    id: 'websocket-asked-of-text',
    title: 'An upgrade asked of an ordinary route is an ordinary answer',
    see: ['RFC 9110 7.8'],
    over: [...http1],
    returns: (c) => c.text('ordinary'),
    steps: [{ ask: { fields: asked }, sees: { status: 200, body: 'ordinary', connection: 'either' } }],
  },
  {
    id: 'websocket-not-asked',
    title: 'A GET of a WebSocket’s route without an upgrade is no 500 and no hang',
    returns: echo,
    steps: [{ ask: {}, sees: { status: [400, 404, 426] } }],
  },
  {
    id: 'upgrade-other',
    title: 'An upgrade to something else is ignored',
    see: ['RFC 9110 7.8'],
    over: [...http1],
    returns: (c) => c.text('ordinary'),
    steps: [
      {
        ask: { fields: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' } },
        sees: { status: 200, body: 'ordinary' },
      },
    ],
  },
  {
    id: 'websocket-taken-then-text',
    title: 'A handler that upgrades and returns something else at once harms no other',
    see: ['https://github.com/denoland/deno/issues/22333'],
    on: ['deno'],
    over: [...http1],
    fetches(request) {
      if (!request.headers.has('upgrade')) return new Response('ordinary')
      ;(globalThis as any).Deno.upgradeWebSocket(request)
      return new Response('text instead')
    },
    steps: [
      { abandons: { fields: asked }, by: 'reset', after: { ms: 50 } },
      { wait: 30 },
      { ask: {}, sees: { status: 200, body: 'ordinary' } },
    ],
    log: 'any',
  },
  {
    id: 'websocket-closed-by-server',
    title: 'A WebSocket that the server closes ends with its close frame',
    see: ['RFC 6455 5.5.1'],
    over: [...http1],
    returns: (c) =>
      (upgradeWebSocket as any)(() => ({ onMessage: (_: Event, socket: any) => socket.close(1000) }))(
        c,
        async () => {},
      ),
    steps: [
      { sends: upgrade, sees: [switched] },
      { sendsHex: hello.sendsHex, receivesHex: '880203e8' },
    ],
  },
  {
    id: 'websocket-client-resets',
    title: 'A client that resets its WebSocket closes it for the application',
    over: [...http1],
    returns: echo,
    steps: [{ abandons: { fields: asked }, by: 'reset', after: { ms: 100 } }, { notes: ['closed'] }],
    log: 'any',
  },
] satisfies Case[]
