import type { Case, Step } from '../case.ts'

const ordinary = [200, 201, 202, 203, 206, 207, 226, 300, 301, 302, 303, 305, 307, 308]
const errors = [
  400, 401, 402, 403, 404, 405, 409, 410, 411, 416, 418, 421, 422, 425, 429, 431, 451, 499, 500, 501, 503, 599,
]

const asked = (code: number): Step => ({
  ask: { at: `?${code}` },
  sees: { status: code, body: `${code}`, fields: { 'content-length': '3' } },
})

/** Of the request's query, without `URL`. */
const query = (url: string): string => url.slice(url.indexOf('?') + 1)

export default [
  {
    id: 'status-any',
    title: 'Each status from 200 to 599 goes out as it is, with its body',
    see: ['RFC 9110 15'],
    fetches: ({ url }) => new Response(query(url), { status: Number(query(url)) }),
    steps: [...ordinary, ...errors].map(asked),
    log: 'none',
  },
  {
    id: 'status-too-low',
    title: 'Status 42 is a 500, and the process lives',
    why: 'The constructor refuses it, or the engine has to: a three-digit code is what the wire knows.',
    see: ['RFC 9110 15', 'issue 10.1'],
    fetches: () => new Response('x', { status: 42 }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'status-too-high',
    title: 'Status 1000 is a 500, and the process lives',
    see: ['RFC 9110 15', 'issue 10.1'],
    fetches: () => new Response('x', { status: 1000 }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'status-600',
    title: 'Status 600 is a 500: Fetch ends at 599',
    see: ['RFC 9110 15'],
    fetches: () => new Response('x', { status: 600 }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'status-text-of-hono',
    title: 'Status 42 out of Hono’s c.text is a 500, too',
    see: ['issue 10.1'],
    returns: (c) => c.text('x', 42 as any),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'any',
  },
  {
    id: 'status-101-unasked',
    title: '101 that nobody asked for is a 500, never a switch of protocols',
    why: 'A client that reads 101 takes what follows for another protocol.',
    see: ['RFC 9110 15.2.2'],
    fetches: () => new Response(null, { status: 101 }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'status-204',
    title: '204 has no body and no length',
    see: ['RFC 9110 15.3.5', 'RFC 9110 8.6'],
    returns: () => new Response(null, { status: 204 }),
    steps: [
      { ask: {}, sees: { status: 204, fields: { 'content-length': null, 'transfer-encoding': null } }, times: 2 },
    ],
  },
  {
    id: 'status-204-of-hono',
    title: 'c.body(null, 204) is a 204',
    returns: (c) => c.body(null, 204),
    steps: [{ ask: {}, sees: { status: 204, fields: { 'content-length': null } }, times: 2 }],
  },
  {
    id: 'status-204-with-length',
    title: 'A Content-Length that the application gives to a 204 is dropped',
    see: ['RFC 9110 8.6'],
    returns: () => new Response(null, { status: 204, headers: { 'Content-Length': '0' } }),
    steps: [{ ask: {}, sees: { status: 204, fields: { 'content-length': null } }, times: 2 }],
  },
  {
    id: 'status-205',
    title: '205 without a body ends at once, and the connection is kept',
    see: ['RFC 9110 15.3.6', 'RFC 9112 6.3'],
    returns: () => new Response(null, { status: 205 }),
    steps: [{ ask: {}, sees: { status: 205, body: '' }, times: 2 }],
  },
  {
    id: 'status-304',
    title: '304 has no body, and its fields',
    see: ['RFC 9110 15.4.5'],
    returns: () => new Response(null, { status: 304, headers: { ETag: '"1"', Vary: 'Accept' } }),
    steps: [
      {
        ask: {},
        sees: { status: 304, body: '', fields: { etag: '"1"', vary: 'Accept', 'transfer-encoding': null } },
        times: 2,
      },
    ],
  },
  {
    id: 'status-304-with-length',
    title: '304 may say the length that a 200 would have, and nothing waits for it',
    see: ['RFC 9110 8.6'],
    returns: () => new Response(null, { status: 304, headers: { 'Content-Length': '1000' } }),
    steps: [
      {
        ask: {},
        sees: [
          { status: 304, body: '', fields: { 'content-length': '1000' } },
          { status: 304, body: '', fields: { 'content-length': null } },
        ],
        times: 2,
      },
    ],
  },
  {
    id: 'status-text',
    title: 'A reason phrase of the application goes out, or the standard one does',
    see: ['RFC 9112 4'],
    returns: () => new Response('x', { status: 200, statusText: 'All Fine' }),
    steps: [{ ask: {}, sees: { status: 200, reason: /^(All Fine|OK|)$/, body: 'x' } }],
  },
  {
    id: 'status-text-latin1',
    title: 'A reason phrase in latin1 never garbles the answer',
    see: ['RFC 9112 4'],
    returns: () => new Response('x', { status: 200, statusText: 'Ça va' }),
    steps: [{ ask: {}, sees: { status: 200, reason: /^(\xc7a va|OK|)$/, body: 'x' } }],
  },
  {
    id: 'status-text-beyond-latin1',
    title: 'A reason phrase beyond latin1 is a 500 or left out, and the process lives',
    see: ['RFC 9112 4'],
    fetches: () => new Response('x', { status: 200, statusText: 'Łódź' }),
    steps: [{ ask: {}, sees: [{ status: 500 }, { status: 200, reason: /^(OK|)$/, body: 'x' }] }],
    log: 'if 500',
  },
  {
    id: 'status-text-of-lines',
    title: 'A reason phrase with CR LF splits no answer',
    why: 'What follows would be read as a field, or as the answer to the next request.',
    see: ['RFC 9112 4', 'https://cwe.mitre.org/data/definitions/113.html'],
    fetches: () => new Response('x', { status: 200, statusText: 'OK\r\nX-Split: yes' }),
    steps: [
      {
        ask: {},
        sees: [
          { status: 500, fields: { 'x-split': null } },
          { status: 200, reason: /^(OK|)$/, fields: { 'x-split': null } },
        ],
      },
    ],
    log: 'if 500',
  },
  {
    id: 'status-redirect',
    title: 'Response.redirect() is a redirect',
    see: ['https://fetch.spec.whatwg.org/#dom-response-redirect'],
    returns: () => Response.redirect('http://example.com/there', 307),
    steps: [{ ask: {}, sees: { status: 307, body: '', fields: { location: 'http://example.com/there' } } }],
  },
  {
    id: 'status-redirect-of-hono',
    title: 'c.redirect() to a path with what URLs encode',
    returns: (c) => c.redirect('/Łódź?a=ß', 303),
    steps: [{ ask: {}, sees: { status: 303, body: '', fields: { location: '/%C5%81%C3%B3d%C5%BA?a=%C3%9F' } } }],
  },
  {
    id: 'status-json',
    title: 'Response.json() says its type and length',
    returns: () => Response.json({ a: [1, 'ä'] }, { status: 201 }),
    steps: [
      {
        ask: {},
        sees: {
          status: 201,
          body: '{"a":[1,"ä"]}',
          fields: { 'content-type': /^application\/json/, 'content-length': '14' },
        },
      },
    ],
  },
] satisfies Case[]
