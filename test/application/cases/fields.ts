import { setCookie } from 'hono/cookie'
import type { Case } from '../case.ts'

const long = 'l'.repeat(20_000)

export default [
  {
    id: 'field-latin1',
    title: 'A field value in latin1 goes out byte for byte',
    see: ['RFC 9110 5.5', 'issue 10.1'],
    returns: () => new Response('x', { headers: { 'X-Name': 'Café Ålesund ÿ' } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x', fields: { 'x-name': 'Caf\xe9 \xc5lesund \xff' } } }],
  },
  {
    id: 'field-latin1-of-hono',
    title: 'c.header() in latin1 goes out byte for byte',
    see: ['RFC 9110 5.5'],
    returns: (c) => {
      c.header('Content-Disposition', 'attachment; filename="Übersicht.pdf"')
      return c.body('x')
    },
    steps: [
      {
        ask: {},
        sees: { status: 200, body: 'x', fields: { 'content-disposition': 'attachment; filename="\xdcbersicht.pdf"' } },
      },
    ],
  },
  {
    id: 'field-beyond-latin1',
    title: 'A field value beyond latin1 is a 500, and the process lives',
    see: ['RFC 9110 5.5', 'issue 10.1'],
    fetches: () => new Response('x', { headers: { 'X-Name': 'Łódź' } }),
    steps: [{ ask: {}, sees: { status: 500, fields: { 'x-name': null } }, times: 2 }],
    log: 'if 500',
  },
  {
    id: 'field-beyond-latin1-of-hono',
    title: 'c.header() beyond latin1 is a 500, and the process lives',
    see: ['issue 10.1'],
    returns: (c) => {
      c.header('Content-Disposition', 'attachment; filename="Łódź.pdf"')
      return c.text('x')
    },
    steps: [{ ask: {}, sees: { status: 500, fields: { 'content-disposition': null } } }],
    log: 'any',
  },
  {
    id: 'field-beyond-latin1-late',
    title: 'A field that is added after the response was made is held to the same',
    fetches: () => {
      const response = new Response('x')
      response.headers.set('X-Name', 'Łódź')
      return response
    },
    steps: [{ ask: {}, sees: { status: 500, fields: { 'x-name': null } } }],
    log: 'once',
  },
  {
    id: 'field-of-lines',
    title: 'A field value with CR LF out of the query splits no answer',
    why: 'The classic response splitting: what a client writes into a query becomes a field, or the next answer.',
    see: ['RFC 9110 5.5', 'issue 10.1', 'https://cwe.mitre.org/data/definitions/113.html'],
    fetches: ({ url }) => new Response('x', { headers: { 'X-Back': new URL(url).searchParams.get('back') ?? '' } }),
    steps: [
      { ask: { at: '?back=a%0d%0aX-Split:%20yes' }, sees: { status: 500, fields: { 'x-split': null } } },
      { ask: { at: '?back=a%0aX-Split:%20yes' }, sees: { status: 500, fields: { 'x-split': null } } },
      { ask: { at: '?back=a%00b' }, sees: { status: 500, fields: { 'x-back': null } } },
      { ask: { at: '?back=fine' }, sees: { status: 200, fields: { 'x-back': 'fine' } } },
    ],
    log: 'if 500',
  },
  {
    id: 'field-of-lines-of-hono',
    title: 'c.header() and c.redirect() with CR LF split no answer',
    see: ['https://cwe.mitre.org/data/definitions/113.html'],
    routes: (app) =>
      app
        .get('/header', (c) => {
          c.header('X-Back', c.req.query('back') ?? '')
          return c.text('x')
        })
        .get('/redirect', (c) => c.redirect(c.req.query('back') ?? '')),
    steps: [
      { ask: { at: '/header?back=a%0d%0aX-Split:%20yes' }, sees: { status: 500, fields: { 'x-split': null } } },
      {
        ask: { at: '/redirect?back=/a%0d%0aX-Split:%20yes' },
        sees: [
          { status: 500, fields: { 'x-split': null } },
          { status: 302, fields: { 'x-split': null } },
        ],
      },
    ],
    log: 'any',
  },
  {
    id: 'field-name-invalid',
    title: 'A field name that is no token is a 500',
    see: ['RFC 9110 5.1'],
    fetches: () => new Response('x', { headers: { 'X Name': 'x' } }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'field-trailer',
    title: 'A Trailer field without trailers is dropped, announced or a 500: the process lives',
    see: ['RFC 9110 6.6.2', 'issue 10.1'],
    fetches: () => new Response('x', { headers: { Trailer: 'X-Sum' } }),
    steps: [{ ask: {}, sees: [{ status: 200, body: 'x' }, { status: 500 }] }],
    log: 'if 500',
  },
  {
    id: 'field-connection-specific',
    title: 'Connection-specific fields of the application do no harm over HTTP/2, and none over HTTP/1.1',
    see: ['RFC 9113 8.2.2', 'issue 10.2'],
    returns: () =>
      new Response('x', {
        headers: { 'Keep-Alive': 'timeout=99', 'Proxy-Connection': 'keep-alive', Upgrade: 'h2c', 'X-Own': 'yes' },
      }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x', fields: { 'x-own': 'yes' }, connection: 'either' }, times: 2 }],
  },
  {
    id: 'field-transfer-encoding',
    title: 'Transfer-Encoding: chunked of the application is framed once',
    why: 'Hono sets it with every stream.',
    see: ['RFC 9112 6.1', 'RFC 9113 8.2.2', 'issue 10.2'],
    returns: () => new Response('x', { headers: { 'Transfer-Encoding': 'chunked' } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x' }, times: 2 }],
  },
  {
    id: 'field-connection-close',
    title: 'Connection: close of the application ends the connection after the answer',
    see: ['RFC 9112 9.6'],
    over: ['tcp', 'tls'],
    returns: () => new Response('x', { headers: { Connection: 'close' } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x', connection: 'closed' } }],
  },
  {
    id: 'field-connection-close-h2',
    title: 'Connection: close of the application does not end an HTTP/2 session without GOAWAY',
    see: ['RFC 9113 8.2.2'],
    over: ['h2'],
    returns: () => new Response('x', { headers: { Connection: 'close' } }),
    // Whoever takes it for the last response ends the session a moment later.
    steps: [
      { ask: {}, sees: { status: 200, body: 'x', fields: { connection: null } } },
      { wait: 500 },
      { ask: {}, sees: { status: 200, body: 'x' } },
    ],
  },
  {
    id: 'field-connection-keep-alive',
    title: 'Connection: keep-alive of the application changes nothing',
    returns: () => new Response('x', { headers: { Connection: 'keep-alive' } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x' }, times: 2 }],
  },
  {
    id: 'field-set-cookies',
    title: 'Several Set-Cookie are lines of their own, in their order, commas inside',
    see: ['RFC 6265 3', 'https://github.com/honojs/node-server/issues/58'],
    returns: () => {
      const response = new Response('x')
      response.headers.append('Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2065 07:28:00 GMT')
      response.headers.append('Set-Cookie', 'b=2; Path=/')
      response.headers.append('Set-Cookie', 'a=3')
      return response
    },
    steps: [
      {
        ask: {},
        sees: {
          status: 200,
          fields: { 'set-cookie': ['a=1; Expires=Wed, 21 Oct 2065 07:28:00 GMT', 'b=2; Path=/', 'a=3'] },
        },
      },
    ],
  },
  {
    id: 'field-cookies-of-hono',
    title: 'Hono’s setCookie() twice is two lines',
    returns: (c) => {
      setCookie(c, 'a', '1', { httpOnly: true })
      setCookie(c, 'b', 'zwei & drei')
      return c.text('x')
    },
    steps: [
      {
        ask: {},
        sees: { status: 200, fields: { 'set-cookie': ['a=1; Path=/; HttpOnly', 'b=zwei%20%26%20drei; Path=/'] } },
      },
    ],
  },
  {
    id: 'field-empty',
    title: 'A field with an empty value is there',
    see: ['RFC 9110 5.5'],
    returns: () => new Response('x', { headers: { 'X-Empty': '', 'X-Full': 'y' } }),
    steps: [{ ask: {}, sees: { status: 200, fields: { 'x-empty': '', 'x-full': 'y' } } }],
  },
  {
    id: 'field-blanks-around',
    title: 'Blanks around a value are no part of it',
    see: ['RFC 9110 5.5'],
    returns: () => new Response('x', { headers: { 'X-Padded': '  a b\t' } }),
    steps: [{ ask: {}, sees: { status: 200, fields: { 'x-padded': 'a b' } } }],
  },
  {
    id: 'field-long',
    title: 'A field of 20,000 bytes comes whole',
    returns: () => new Response('x', { headers: { 'X-Long': long } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'x', fields: { 'x-long': long } } }],
  },
  {
    id: 'field-many',
    title: 'Three hundred fields come whole',
    over: ['tcp', 'tls'],
    returns: () => {
      const response = new Response('x')
      for (let place = 0; place < 300; place++) response.headers.set(`X-Field-${place}`, `${place}`)
      return response
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'x', fields: { 'x-field-0': '0', 'x-field-299': '299' } } }],
  },
  {
    id: 'field-appended',
    title: 'What is appended is one value, in its order',
    see: ['RFC 9110 5.3'],
    returns: () => {
      const headers = new Headers({ Vary: 'Accept' })
      headers.append('Vary', 'Origin')
      return new Response('x', { headers })
    },
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, fields: { vary: 'Accept, Origin' } },
          { status: 200, fields: { vary: ['Accept', 'Origin'] } },
        ],
      },
    ],
  },
  {
    id: 'field-date-own',
    title: 'A Date of the application is the only one',
    see: ['RFC 9110 6.6.1'],
    returns: () => new Response('x', { headers: { Date: 'Tue, 15 Nov 1994 08:12:31 GMT' } }),
    steps: [{ ask: {}, sees: { status: 200, fields: { date: 'Tue, 15 Nov 1994 08:12:31 GMT' } } }],
  },
  {
    id: 'field-date',
    title: 'An answer says its date',
    see: ['RFC 9110 6.6.1'],
    returns: (c) => c.text('x'),
    steps: [{ ask: {}, sees: { status: 200, fields: { date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/ } } }],
  },
  {
    id: 'field-type-own',
    title: 'A Content-Type of the application is the only one, whatever the body would say',
    returns: () =>
      new Response(new Blob(['{}'], { type: 'text/html' }), { headers: { 'Content-Type': 'application/ld+json' } }),
    steps: [{ ask: {}, sees: { status: 200, body: '{}', fields: { 'content-type': 'application/ld+json' } } }],
  },
  {
    id: 'field-type-removed',
    title: 'A Content-Type that the application deletes is not there',
    returns: () => {
      const response = new Response('x')
      response.headers.delete('Content-Type')
      return response
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'x', fields: { 'content-type': null } } }],
  },
  {
    id: 'field-pairs',
    title: 'Fields given as pairs, as a Map and as Headers are the same',
    routes: (app) =>
      app
        .get(
          '/pairs',
          () =>
            new Response('x', {
              headers: [
                ['X-A', '1'],
                ['X-A', '2'],
              ],
            }),
        )
        .get('/map', () => new Response('x', { headers: new Map([['X-A', '1, 2']]) as any }))
        .get(
          '/headers',
          () =>
            new Response('x', {
              headers: new Headers([
                ['X-A', '1'],
                ['X-A', '2'],
              ]),
            }),
        ),
    steps: ['/pairs', '/map', '/headers'].map((at) => ({
      ask: { at },
      sees: [
        { status: 200, body: 'x', fields: { 'x-a': '1, 2' } },
        { status: 200, body: 'x', fields: { 'x-a': ['1', '2'] } },
      ],
    })),
  },
] satisfies Case[]
