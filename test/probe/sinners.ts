/**
 * For each case a server that it catches: one that keeps every rule but this one. `when` names what
 * only that case's client says, so that its neighbours are served as they should be. Where the case
 * waits in silence, the sin comes longer before its end than the pause of this process that is
 * forgiven (`forgivenLagMs`): both would be seen at once after it.
 */
import type { Case } from '../../src/probe/case.ts'
import { h2Rules } from '../../src/probe/cases/index.ts'
import type { Rewriting, Sinner, WireSin } from './sin.ts'

const r = String.raw

const wire = (sin: WireSin, ...also: string[]): Sinner => ({ wire: sin, ...(also.length > 0 && { also }) })
const never = (when: string, ...also: string[]) => wire({ when, end: 'never' }, ...also)
const resets = (when: string, ...also: string[]) => wire({ when, end: 'reset' }, ...also)
const says = (when: string, what: Rewriting, ...also: string[]) => wire({ when, says: what }, ...also)
const hangsUp = (when: string, afterMs: number, ...also: string[]) =>
  wire({ when, hangsUp: { by: 'fin', afterMs } }, ...also)
/**
 * In a download: a FIN comes behind the megabytes that the kernels hold, and how long a slow reader
 * takes for those is the machine's to say. An RST drops what was not sent.
 */
const cutsOff = (when: string, afterMs: number) => wire({ when, hangsUp: { by: 'reset', afterMs } })
const dies = (when: string, ...also: string[]) => wire({ when, dies: true }, ...also)

/** It takes what it should have refused. */
const takes = (when: string, ...also: string[]) =>
  says(when, [r`^HTTP/1\.1 [45]\d\d[^\r]*`, 'HTTP/1.1 200 OK'], ...also)
const silentAbout = (field: string): Rewriting => [r`\r\n${field}:[^\r]*`, '']

const get = r`GET / HTTP/1\.1\r\nHost: [^\r]*\r\n\r\n`
const anAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const aGet = `^${get}`

/**
 * What is wrong with an end that is due by a limit: each of them must be seen on each case that
 * waits for one.
 */
export const endings: Readonly<Record<string, WireSin>> = {
  early: { hangsUp: { by: 'fin', afterMs: 700, from: 'said' } },
  'early, without a word': { hangsUp: { by: 'fin', afterMs: 700 } },
  late: { end: { lateMs: 2_000 } },
  'by RST': { end: 'reset' },
  'after one more answer': { lastWords: anAnswer },
}

/** GOAWAY with INTERNAL_ERROR, which is never the right word. */
const anInternalError = '\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x02'

/**
 * Of a rule of HTTP/2: whatever the client sends once the session is settled is an internal error.
 */
const againstRule = ({ steps }: Case): Sinner =>
  wire({
    when: steps.some((step) => 'frame' in step && step.setup) ? r`\x00\x04\x01\x00\x00\x00\x00` : '^PRI',
    interjects: anInternalError,
    loses: ['headers', 'data', 'ping', 'rst_stream', 'goaway'],
    end: 'never',
  })

/** It says nothing of what is wrong. */
const mute = wire({ loses: ['headers', 'rst_stream', 'goaway'], end: 'never' })

/** The one about the first frame, whose sinner has to send another before it. */
const aPing = '\0\0\x08\x06\x01\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08'

export const sinners: Readonly<Record<string, Sinner>> = {
  // http.ts
  'plain-get': wire({ when: aGet, hangsUp: { by: 'fin', afterMs: 10, from: 'said' } }),
  'keep-alive-hint': says(aGet, silentAbout('Keep-Alive')),
  'http10-closes': never(r`^GET / HTTP/1\.0`),
  'http10-close-framed': wire({ when: r`^GET /stream\S* HTTP/1\.0`, hears: [r`HTTP/1\.0`, 'HTTP/1.1'] }),
  'connection-close': wire({ when: r`^GET / HTTP/1\.1\r\nHost: [^\r]*\r\nConnection: close`, lastWords: anAnswer }),
  'connection-close-said': says(r`^GET / HTTP/1\.1\r\nHost: [^\r]*\r\nConnection: close`, silentAbout('Connection')),
  pipelining: wire({ when: r`^(GET /slow\?ms=20 .*){10}`, hears: [r`^(GET.*?\r\n\r\n).*`, '$1'] }),
  'half-close': wire({ when: `${aGet}$`, finEndsAll: true }),
  'half-close-in-handler': wire({ when: r`^GET /slow\?ms=600 `, finEndsAll: true }),
  whoami: wire({}),
  'websocket-echo': hangsUp(r`^GET /ws `, 2_000),
  'websocket-silence': wire({ when: r`^GET /ws [^\x81]*$`, hangsUp: { by: 'reset', afterMs: 4_500 } }),

  // framing.ts
  'head-in-step': says('^HEAD', [r`$`, 'hello\n']),
  'head-says-date': says('^HEAD', silentAbout('Date')),
  'head-says-length': says('^HEAD .*Connection: close', [r`Content-Length: \d+`, 'Content-Length: 0']),
  'no-content-in-step': says('^GET /empty ', [r`^HTTP/1\.1 204[^\r]*`, '$&\r\nContent-Length: 5']),
  'reset-content-in-step': says('^GET /reset ', [r`\r\n(Content-Length|Transfer-Encoding):[^\r]*`, '']),
  'broken-answer-not-whole': wire({ when: '^GET /broken ', lastWords: '0\r\n\r\n' }),
  'upgrade-ignored': says('^GET / .*Upgrade: h2c', [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 101 Switching Protocols']),
  'upgrade-websocket-ignored': says('^GET / .*Upgrade: websocket', [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 400 Bad Request']),
  'continue-when-asked': says('Expect: 100-Continue', [r`^HTTP/1\.1 100 Continue\r\n\r\n`, '']),
  'no-continue-unasked': wire({
    when: r`^POST /upload HTTP/1\.0.*Expect: 100`,
    interjects: 'HTTP/1.1 100 Continue\r\n\r\n',
  }),
  'no-continue-unexpected': wire({
    when: r`^POST /upload HTTP/1\.1\r\nHost: [^\r]*\r\nContent-Length: 5\r\n\r\n$`,
    interjects: 'HTTP/1.1 100 Continue\r\n\r\n',
  }),
  'early-answer-to-expecting': wire({ when: '^POST /early .*Expect: ', deaf: true }, 'no-continue-before-refusal'),
  'no-continue-before-refusal': says('^POST /early .*Expect: ', ['^', 'HTTP/1.1 100 Continue\r\n\r\n']),
  'trailers-read': wire({ when: 'X-Checksum', hears: [r`X-Checksum: 1\r\n\r\n`, ''] }),
  'chunk-extensions-read': says(';a=b;c="d"', [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 400 Bad Request']),
  'bad-pipelined-request': says('^GET /slow.*Host : ', [r`^HTTP/1\.1 200.*`, '']),
  'absolute-target-decides': says('^GET http://target.example', [r`target\.example`, 'host.example!!']),
  'later-minor-version': says(r`^GET / HTTP/1\.2`, [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 505 HTTP Version Not Supported']),

  // malformed.ts
  'malformed-request-line': takes('^GARBAGE'),
  'malformed-header-name': takes('^GET / .*X-A : 1'),
  'malformed-no-host': takes(r`^GET / HTTP/1\.1\r\n\r\n`),
  'malformed-two-lengths': takes('Content-Length: 6'),
  'malformed-length': takes('Content-Length: 5x'),
  'malformed-length-and-chunked': never(r`Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5`),
  'malformed-chunk': takes(r`\r\n\r\nzz\r\n`),

  // strict.ts
  'strict-line-without-version': takes(r`^GET /\n`),
  'strict-two-spaces': takes('^GET {2}/'),
  'strict-major-version': takes(r`^GET / HTTP/2\.0`),
  'strict-bare-lf': takes(r`^GET / HTTP/1\.1\n`),
  'strict-bare-cr': takes(r`^GET / .*X-A: 1\r2`),
  'strict-obs-fold': takes(r`^GET / .*\r\n 2`),
  'strict-nul-in-value': takes(r`^GET / .*\0`),
  'strict-field-without-name': takes(r`^GET / .*\r\n: 1`),
  'strict-repeated-host': takes('^GET / .*Host: other'),
  'strict-invalid-host': takes('^GET / .*Host: a b/c'),
  'strict-length-with-sign': takes(r`^POST /upload .*Content-Length: \+5`),
  'strict-length-list': takes('^POST /upload .*Content-Length: 5, 5'),
  'strict-length-overflow': takes(r`^POST /upload .*Content-Length: \d{20}`),
  'strict-length-with-coding': takes(r`^POST /upload .*Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0`),
  'strict-coding-last-not-chunked': takes('^POST /upload .*chunked, identity'),
  'strict-coding-misspelt': takes('^POST /upload .*xchunked'),
  'strict-coding-unknown': takes('^POST /upload .*gzip, chunked'),
  'strict-coding-in-http10': takes(r`^POST /upload HTTP/1\.0.*Transfer-Encoding`),
  'strict-too-many-fields': takes(r`^GET / .*(A: 1\r\n){90}`),
  'strict-connect': takes('^CONNECT'),
  'strict-target-too-long': takes('^GET /a{1000}'),
  'strict-chunk-size-hex': takes(r`\r\n\r\n0x5\r\n`),
  'strict-chunk-size-empty': takes(r`\r\n\r\n\r\nhello`),
  'strict-chunk-size-negative': takes(r`\r\n\r\n-5\r\n`),
  'strict-chunk-size-overflow': takes(r`\r\n\r\n1000000000000000`),
  'strict-chunk-without-end': takes('hello!'),
  'strict-chunk-extension-long': takes('5;a=b{1000}'),
  'strict-trailer-forbidden': takes(r`0\r\nContent-Length: 5`),
  'strict-nothing-executed': wire({ when: r`^POST /count .*\r\n: 1`, hears: [r`\r\n: 1`, ''] }),

  // idle.ts
  'silent-connect': resets('^$'),
  'silent-after-handshake': never('^.{100,}'),
  'silent-in-handshake': never('^$'),
  'half-a-handshake': never('^.{11}$'),
  'idle-after-response': resets(`${aGet}$`),
  'idle-end': wire(
    { when: `${aGet}$`, lastWords: 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n' },
    'idle-after-response',
  ),
  'idle-socket-returned': wire({ when: `${aGet}$`, keeps: true }),
  'reuse-inside-limit': wire({ when: `${aGet}GET`, hangsUp: { by: 'fin', afterMs: 2_100, from: 'connected' } }),
  'idle-after-slow-handler': never(r`^GET /slow\?ms=2400`),
  'idle-after-stream': never(r`^GET /stream\?ms=2400`),
  'idle-after-post': never('Content-Length: 1048576'),
  'aborted-download': dies('^GET /endless'),
  'idle-after-whole-download': never(r`^GET /large\?bytes=16mb`),
  'slow-handler': hangsUp(r`^GET /slow\?ms=[3-9]\d{3}`, 2_000),
  'slow-handler-after-post': hangsUp(r`^POST /upload\?ms=[3-9]\d{3}`, 2_000),
  'quiet-stream': hangsUp(r`^GET /stream\?ms=[3-9]\d{3}`, 2_000),
  'fin-while-idle': wire({ when: `${aGet}$`, keeps: true }, 'vanished-while-idle'),
  'vanished-while-idle': wire({ when: `${aGet}$`, keeps: true }, 'fin-while-idle'),
  'rst-while-idle': dies(`${aGet}$`),

  // head.ts
  'partial-request-line': resets('^GET /$'),
  'partial-head': says(r`^GET / .*X-A: 1\r\n$`, [r`^HTTP/1\.1 408.*`, '']),
  'head-trickle': never(r`(X-Pad: 1\r\n){2}`),
  'partial-second-head': never(r`${aGet}GET / HTTP/1\.1\r\nHost: [^\r]*\r\n$`),
  'head-in-two-parts': hangsUp(r`^GET / HTTP/1\.1\r\nHo$`, 100),
  'head-byte-by-byte': hangsUp(r`^GET / HTTP/1\.1\r$`, 0),
  'head-byte-trickle': never('X-Pad: x{3}'),
  'head-timeout-said': never(r`^GET / .*X-A: 1\r\n$`, 'partial-head'),
  'head-fields-counted': takes(r`^GET / .*X-99: 1`),
  'head-of-many-fields': wire({ when: '^GET / .*A: 123', deaf: true }),
  'pipelined-half': never(`${aGet}GET .*Ho$`),

  // body.ts
  'body-stall': never(r`\r\n\r\nx{8192}`),
  'body-stall-chunked': never(r`\r\n\r\n400\r\nx{1024}`),
  'body-trickle': never(r`Content-Length: 65536\r\n\r\nx{2,40}$`),
  'body-expected-never-sent': never('Content-Length: 1000\r\nExpect: '),
  'body-trickle-chunked': never(r`(1\r\nx\r\n){2}`),
  'chunk-line-never-ends': never('5;a=b{2}'),
  'trailers-never-end': never(r`0\r\nX-A: 1\r\n$`),
  'upload-too-long': never(r`Content-Length: 65536\r\n\r\nx{400,}$`),
  'upload-slow-steady': wire({
    when: r`^POST /upload .*\r\n\r\n400\r\nx{1024}`,
    hangsUp: { by: 'fin', afterMs: 3_500, from: 'connected' },
  }),
  'early-answer-trickle': never('^POST /early .*Content-Length: 65536'),
  'early-answer-large-body': wire(
    { when: '^POST /early .*Content-Length: 8388608', says: ['.*', ''], hangsUp: { by: 'reset', afterMs: 0 } },
    'early-answer-late-reader',
  ),
  'early-answer-late-reader': wire(
    { when: r`^POST /early .*Content-Length: 8388608\r\n\r\nx{20000}`, deaf: true, says: ['.*', ''] },
    'early-answer-large-body',
  ),
  'body-aborted': wire({ when: r`Content-Length: 65536\r\n\r\nx{1024}$`, keeps: true }),
  'body-too-large': takes('Content-Length: 65537'),
  'body-too-large-chunked': takes(r`\r\n\r\n400\r\nx{1024}`),
  'body-at-the-limit': says('Content-Length: 65536', [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 413 Content Too Large']),
  'plain-get-sized': says(`${aGet}$`, [r`^HTTP/1\.1 200 OK`, 'HTTP/1.1 500 Internal Server Error']),
  'head-too-large': takes('^GET / .*X-Pad: x{1000}'),

  // write.ts
  'reader-stalls': never(r`^GET /large\?bytes=64mb`),
  'reader-stalls-stream': never('^GET /endless'),
  'reader-drips': never('^GET /endless'),
  'reader-slow-steady': cutsOff('^GET /endless', 1_000),
  'rst-mid-response': dies('^GET /endless'),
  'stream-idle': never('^GET /stream'),
  'stream-idle-reset-by-bytes': hangsUp('^GET /events', 1_500),
  'idle-close-loses-no-byte': wire({ when: r`^GET /large\?bytes=1mb`, hangsUp: { by: 'reset', afterMs: 1_500 } }),

  // h2.ts
  'h2-get': wire({ loses: ['headers'] }, 'h2-idle-goaway'),
  'h2-idle-goaway': wire({ loses: ['goaway'] }),
  'h2-idle-closed': never(r`\x04\x01.*:method`, 'h2-socket-returned'),
  'h2-socket-returned': wire({ when: ':method', keeps: true }),
  'h2-no-preface': never('^$'),
  'h2-silent-session': never('^PRI[^:]*$'),
  'h2-settings-unacknowledged': never(r`^(?!.*\x00\x00\x00\x04\x01).*:method`),
  'h2-pings-do-not-keep': wire({ when: 'keep-up!', end: 'never', loses: ['goaway'] }),
  'h2-open-stream-no-data': wire({ when: '/upload', end: 'never', loses: ['headers', 'rst_stream', 'goaway'] }),
  'h2-slow-handler': hangsUp(r`/slow\?ms=3500`, 2_000),
  'h2-continuation-flood': wire({ when: 'x-pad', deaf: true, end: 'never' }),
  'h2-unfinished-head': never(r`^(?!.*x-pad).*\x01\x01\x00\x00\x00\x01`),
  'h2-rapid-reset': dies('(:method.*){3}'),
  'h2-ping-answered': wire({ when: r`\x05\x06\x07\x08$`, loses: ['ping'] }),
  'h2-ping-flood': dies(r`(\x01\x02\x03\x04\x05\x06\x07\x08.*){2}`),
  'h2-goaway-on-drain': wire({ loses: ['goaway'] }),

  // h2-limits.ts
  'h2-reset-flood': wire({ when: '(:method.*){3}', deaf: true, end: 'never' }),
  'h2-settings-flood': dies(r`(\x00\x00\x00\x04\x00\x00\x00\x00\x00){20}`),
  'h2-empty-data-flood': dies(r`/upload.*(\x00{8}\x01){20}`),
  'h2-empty-data-keeps-nothing': wire({
    when: r`/upload.*\x00{8}\x01`,
    ...{ end: 'never', loses: ['headers', 'rst_stream', 'goaway'] },
  }),
  'h2-empty-continuation-flood': wire({ when: r`(\x00\x00\x00\x09\x00\x00\x00\x00\x01){2}`, deaf: true, end: 'never' }),
  'h2-window-never-opened': never(r`\x06\x04\x00{5}\x00\x04`),
  'h2-window-never-opened-again': never(r`/large\?bytes=1mb`),
  'h2-window-opened-late': hangsUp(r`\x06\x04\x00{5}\x00\x04`, 500),
  'h2-get-sized': wire({ loses: ['headers'] }),
  'h2-head-too-large': wire({ when: r`\xbe{30}`, loses: ['headers', 'rst_stream', 'goaway'], end: 'never' }),
  'h2-age-goaway': wire({ loses: ['goaway'] }),
  'h2-drain-announced': wire({ when: ':method.*:method', loses: ['headers'] }),
  'h2-drain-new-session': wire({ loses: ['headers'] }),
  'h2-goaway-in-two': wire({ loses: ['goaway'] }),

  // h2-frames.ts, h2-streams.ts, h2-requests.ts, h2-compression.ts
  ...Object.fromEntries(h2Rules.map((rule) => [rule.id, againstRule(rule)])),
  // Nothing is said at all: of a frame, a stream and a message.
  ...Object.fromEntries(['h2-ping-too-short', 'h2-data-after-end', 'h2-name-in-upper-case'].map((id) => [id, mute])),
  'h2-error-said': wire({ loses: ['goaway'] }),
  'h2-settings-first': wire({ interjects: aPing }),
  'h2-settings-acknowledged': wire({ when: r`\x00\x03\x00\x00\x00d$`, loses: ['settings'] }),

  // handler.ts
  'handler-timeout': takes('^GET /slow'),
  'loop-behind-503': says('^GET / ', silentAbout('retry-after')),
  'handler-inside-limit': hangsUp('^GET /stream', 1_100),

  // routes.ts
  'route-slow-upload': never(r`^POST /patient/upload .*helloworld$`),
  'route-limits-end-with-it': never(r`POST /upload .*Content-Length: 1000\r\n\r\nhello$`),
  'route-limits-pipelined': never(r`^GET /patient/slow\?ms=300`),
  'route-slow-handler': hangsUp(r`^GET /patient/slow\?ms=\d{4}`, 2_000),
  'route-quiet-stream': never(r`^GET /patient/stream.*GET /stream`),
  'route-stalled-reader': hangsUp('^GET /patient/large', 1_500),
  'route-large-body': says('^POST /patient/upload .*Content-Length: 65537', [
    r`^HTTP/1\.1 200 OK`,
    'HTTP/1.1 413 Content Too Large',
  ]),
  'route-short-body': never('^POST /hasty/upload .*Content-Length: 1000'),
  'route-small-body': takes('^POST /hasty/upload .*Content-Length: 1025'),

  // limits.ts
  'max-requests': says(`^(${get}){5}$`, silentAbout('Connection')),
  'max-requests-pipelined': wire({ when: `^(${get}){8}$`, lastWords: anAnswer }),
  'connection-age': says(`${aGet}GET`, silentAbout('Connection')),
  'connection-age-idle': never(`${aGet}$`),
  'connection-age-spread': wire({ hangsUp: { by: 'fin', afterMs: 2_700, from: 'connected' } }),
  'crowded-idle-makes-room': wire({ end: 'never' }),
  'crowded-busy-503': says('^GET / ', silentAbout('Retry-After')),
  'crowded-503-says-close': says('^GET / ', silentAbout('Connection')),
  'idle-crowd-returned': wire({ end: 'never' }),
  'idle-descriptors-returned': wire({ end: 'never' }),
  'keep-alive-race': wire({ hangsUp: { by: 'fin', afterMs: 600 } }),
  'keep-alive-race-unhinted': wire({ when: `${aGet}GET`, deaf: true, hangsUp: { by: 'fin', afterMs: 0 } }),

  // drain.ts
  'drain-under-load': { process: { drops: true } },
  'drain-busy-told': says('^GET /slow', silentAbout('Connection')),
  'drain-refuses-new': wire({}),
  'drain-busy-then-idle': wire({ end: 'never' }),
  'drain-ends-event-stream': says(r`^GET /events\?every=250 `, ['retry: ', 'later: ']),
  'drain-closes-websocket': says('^GET /ws ', [r`\x03\xe9$`, '\x03\xe8']),
  'drain-idle-reused': says(`${aGet}GET`, silentAbout('Connection')),
  'drain-cut': { process: { status: 0 } },
  'drain-second-signal': { process: { signals: 1 } },
  'drain-announced': takes('^GET /healthz'),
}
