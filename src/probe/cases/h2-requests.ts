/** HTTP/2 requests that are malformed, and some that only look so. */
import { endHeaders } from '../client/h2-frame.ts'
import { answered, data, get, headers, malformed, post, request, rules } from './h2-rules.ts'

const having = (name: string, value: string) => [headers(request([[name, value]]))]
const but = (other: Readonly<Record<string, string | null>>) => [headers(request([], other))]
/** Some pseudo-header field once more, after the others. */
const twice = (name: string, value: string) => [headers([request(), { fields: [[name, value]] }])]

export default [
  ...rules(
    {
      why: 'HTTP/2 carries fields by length, so any byte fits. What HTTP/1.1 could not have said becomes another request as soon as a proxy translates it: this is how HTTP/2 is used to smuggle.',
      spec: ['RFC 9113 8.2.1', 'RFC 9113 8.1.1'],
    },
    [
      ['name-in-upper-case', 'A field name in upper case is malformed', having('X-A', '1'), malformed],
      ['name-with-space', 'A field name with a space is malformed', having('x a', '1'), malformed],
      ['name-with-colon', 'A field name with a colon inside is malformed', having('x:a', '1'), malformed],
      ['name-with-control', 'A field name with a control byte is malformed', having('x\u0001a', '1'), malformed],
      ['name-beyond-ascii', 'A field name with a byte above 7F is malformed', having('x\u00e9', '1'), malformed],
      ['name-empty', 'A field without a name is malformed', having('', '1'), malformed],
      ['value-with-nul', 'A field value with NUL is malformed', having('x-a', 'a\0b'), malformed],
      ['value-with-cr', 'A field value with CR is malformed', having('x-a', 'a\rb'), malformed],
      ['value-with-lf', 'A field value with LF is malformed', having('x-a', 'a\nb: c'), malformed],
      [
        'value-with-space-before',
        'A field value that begins with a space is malformed',
        having('x-a', ' a'),
        malformed,
      ],
      ['value-with-space-after', 'A field value that ends with a tab is malformed', having('x-a', 'a\t'), malformed],
    ],
  ),
  ...rules(
    {
      why: 'They say how an HTTP/1.1 connection goes on. On HTTP/2 they mean nothing, and a proxy that passes them on lets a client speak for the connection behind it.',
      spec: ['RFC 9113 8.2.2'],
    },
    [
      ['connection-field', 'Connection is malformed', having('connection', 'keep-alive'), malformed],
      ['keep-alive-field', 'Keep-Alive is malformed', having('keep-alive', 'timeout=5'), malformed],
      ['proxy-connection-field', 'Proxy-Connection is malformed', having('proxy-connection', 'keep-alive'), malformed],
      ['transfer-encoding-field', 'Transfer-Encoding is malformed', having('transfer-encoding', 'chunked'), malformed],
      ['upgrade-field', 'Upgrade is malformed', having('upgrade', 'websocket'), malformed],
      [
        'te-other-than-trailers',
        'TE with anything but trailers is malformed',
        having('te', 'trailers, deflate'),
        malformed,
      ],
      ['te-trailers-taken', 'TE with trailers is taken', having('te', 'trailers'), answered],
    ],
  ),
  ...rules(
    {
      why: 'The pseudo-header fields are the request line. One that is unknown, missing, repeated or out of place makes a request that two implementations read differently.',
      spec: ['RFC 9113 8.3', 'RFC 9113 8.3.1'],
    },
    [
      [
        'pseudo-header-unknown',
        'An unknown pseudo-header field is malformed',
        [headers([{ fields: [[':x', '1']] }, request()])],
        malformed,
      ],
      [
        'pseudo-header-of-response',
        ':status in a request is malformed',
        [headers([{ fields: [[':status', '200']] }, request()])],
        malformed,
      ],
      [
        'pseudo-header-after-field',
        'A pseudo-header field after a regular one is malformed',
        [headers([{ fields: [['x-a', '1']] }, request()])],
        malformed,
      ],
      ['method-missing', 'A request without :method is malformed', but({ ':method': null }), malformed],
      ['scheme-missing', 'A request without :scheme is malformed', but({ ':scheme': null }), malformed],
      ['path-missing', 'A request without :path is malformed', but({ ':path': null }), malformed],
      ['path-empty', 'A request with an empty :path is malformed', but({ ':path': '' }), malformed],
      ['method-twice', 'A second :method is malformed', twice(':method', 'GET'), malformed],
      ['scheme-twice', 'A second :scheme is malformed', twice(':scheme', 'https'), malformed],
      ['path-twice', 'A second :path is malformed', twice(':path', '/'), malformed],
      ['authority-twice', 'A second :authority is malformed', twice(':authority', '{host}'), malformed],
      ['path-without-slash', 'A :path that does not begin with a slash is malformed', but({ ':path': 'a' }), malformed],
      ['path-with-space', 'A :path with a space is malformed', but({ ':path': '/a b' }), malformed],
      ['connect-with-path', 'CONNECT with :scheme and :path is malformed', but({ ':method': 'CONNECT' }), malformed],
      [
        'host-instead-of-authority-taken',
        'A request with Host instead of :authority is taken',
        [headers(request([['host', '{host}']], { ':authority': null }))],
        answered,
      ],
    ],
  ),
  ...rules(
    {
      why: 'Where Host and :authority name two servers, a cache or a filter may go by one and the application by the other.',
      spec: ['RFC 9113 8.3.1'],
      level: 'should',
    },
    [
      [
        'host-other-than-authority',
        'Host that differs from :authority is malformed',
        having('host', 'other.example'),
        malformed,
      ],
    ],
  ),
  ...rules(
    {
      why: 'The length of a body is known from its frames. Content-Length that says another one is how a request becomes two behind a proxy that believes it.',
      spec: ['RFC 9113 8.1.1'],
    },
    [
      [
        'length-as-said-taken',
        'A body that is as long as Content-Length says is taken',
        [post([['content-length', '5']]), data(5)],
        answered,
      ],
      [
        'body-shorter-than-said',
        'A body that is shorter than Content-Length is malformed',
        [post([['content-length', '6']]), data(5)],
        malformed,
      ],
      [
        'body-longer-than-said',
        'A body that is longer than Content-Length is malformed',
        [post([['content-length', '4']]), data(5)],
        malformed,
      ],
      [
        'bodies-other-than-said',
        'A body in two frames that is not as long as Content-Length is malformed',
        [post([['content-length', '9']]), data(5, { flags: 0 }), data(5)],
        malformed,
      ],
      [
        'no-body-where-said',
        'Content-Length above 0 without a body is malformed',
        [headers(request([['content-length', '5']], { ':method': 'POST', ':path': '{upload}' }))],
        malformed,
      ],
      [
        'length-not-a-number',
        'Content-Length that is not a number is malformed',
        [post([['content-length', '5x']]), data(5)],
        malformed,
      ],
      [
        'lengths-that-differ',
        'Two lengths that differ are malformed',
        [
          post([
            ['content-length', '5'],
            ['content-length', '6'],
          ]),
          data(5),
        ],
        malformed,
      ],
      [
        'empty-data-taken',
        'Empty DATA before the body and after it are taken',
        [post(), data(0, { flags: 0 }), data(5, { flags: 0 }), data(0)],
        answered,
      ],
    ],
  ),
  ...rules(
    {
      why: 'Requests that are rare and right: a parser that is only strict fails those.',
      spec: ['RFC 9113 8.3.1', 'RFC 9113 8.2.3'],
    },
    [
      [
        'cookies-apart-taken',
        'Cookies in fields of their own are taken',
        [
          headers(
            request([
              ['cookie', 'a=1'],
              ['cookie', 'b=2'],
            ]),
          ),
        ],
        answered,
      ],
      ['value-beyond-ascii-taken', 'A field value with bytes above 7F is taken', having('x-a', '\u00e9'), answered],
      ['value-empty-taken', 'A field with an empty value is taken', having('x-a', ''), answered],
      [
        'request-then-request',
        'Two requests in one packet are both answered',
        [get, headers(request(), { stream: 3, flags: endHeaders | 1 })],
        [{ frame: ['answer'], status: 200, times: 2, due: { from: 'sent', withinMs: 1_000 } }],
      ],
    ],
  ),
]
