/**
 * What holds on an HTTP/2 session, row by row: who sees to it on the engines that speak it, and the
 * cases that prove it.
 */
import { type Enforced, nobody, runtime, us } from './held-by.ts'
import type { OptionName } from './policy.ts'

type Held = Pick<Enforced, 'by' | 'how'>

interface Http2Row {
  readonly what: string
  /** The option that sets it; none: it is not set. */
  readonly option?: OptionName
  /** Of the conformance suite. An engine that fails one of them has nobody here. */
  readonly cases: readonly [string, ...string[]]
  readonly nodeHttp: Held
  readonly denoServe: Held
}

const ledger = us('kernel ledger: FIN')
const swept = us('swept every 100 ms: GOAWAY, then FIN')
const bodyClocks = us('the clocks of bodies, one for the session')
const noShutdownNotice = nobody(
  'node:http2 has no shutdown notice: the one GOAWAY names the last request that is answered; one that crosses it was not executed and may be sent again',
)
const pastEncryption = nobody('FIN, no GOAWAY: nothing is written past the runtime that encrypts')

export const http2Rows: readonly Http2Row[] = [
  {
    what: 'An idle session is closed; one with an open stream is busy, and PINGs are no use',
    option: 'idleTimeoutMs',
    cases: ['h2-idle-closed', 'h2-socket-returned', 'h2-slow-handler'],
    nodeHttp: swept,
    denoServe: ledger,
  },
  {
    what: 'It is told so',
    option: 'idleTimeoutMs',
    cases: ['h2-idle-goaway', 'h2-pings-do-not-keep'],
    nodeHttp: swept,
    denoServe: pastEncryption,
  },
  {
    what: 'A session that is never used, or never settled',
    option: 'headTimeoutMs',
    cases: ['h2-no-preface', 'h2-silent-session', 'h2-settings-unacknowledged'],
    nodeHttp: swept,
    denoServe: ledger,
  },
  {
    what: 'Requests at once',
    option: 'maxConcurrentStreams',
    cases: ['h2-streams-beyond-limit'],
    nodeHttp: runtime('SETTINGS_MAX_CONCURRENT_STREAMS, RST_STREAM'),
    denoServe: runtime('always 200'),
  },
  {
    what: 'A budget of resets (rapid reset)',
    cases: ['h2-rapid-reset', 'h2-reset-flood'],
    nodeHttp: runtime('1,000 at once and 33 a second, then GOAWAY (INTERNAL_ERROR)'),
    denoServe: runtime('twenty that it has not looked at yet, then GOAWAY (ENHANCE_YOUR_CALM)'),
  },
  {
    what: 'CONTINUATION without end, empty ones too',
    cases: ['h2-continuation-flood', 'h2-empty-continuation-flood'],
    nodeHttp: runtime('eight frames for a head, then GOAWAY'),
    denoServe: runtime('a number of frames for a head, then GOAWAY'),
  },
  {
    what: 'A head that is never finished',
    option: 'headTimeoutMs',
    cases: ['h2-unfinished-head'],
    nodeHttp: swept,
    denoServe: ledger,
  },
  {
    what: 'The bytes of a head, as they are once decompressed',
    option: 'maxHeadBytes',
    cases: ['h2-head-too-large'],
    nodeHttp: runtime(
      'SETTINGS_MAX_HEADER_LIST_SIZE, RST_STREAM (a field counts 32 bytes more, for which there is room)',
    ),
    denoServe: us('counted once the head is whole: 431'),
  },
  {
    what: 'Floods of SETTINGS, PING and empty DATA take nothing from others',
    cases: ['h2-settings-flood', 'h2-ping-flood', 'h2-empty-data-flood'],
    nodeHttp: runtime('a thousand are answered'),
    denoServe: runtime('a thousand are answered'),
  },
  {
    what: 'A body that does not come; empty DATA are no progress',
    option: 'bodyTimeoutMs',
    cases: ['h2-open-stream-no-data', 'h2-empty-data-keeps-nothing'],
    nodeHttp: bodyClocks,
    denoServe: bodyClocks,
  },
  {
    what: 'A window that is never opened, or not again',
    option: 'writeTimeoutMs',
    cases: ['h2-window-never-opened', 'h2-window-never-opened-again', 'h2-window-opened-late'],
    nodeHttp: us('swept every 100 ms: RST'),
    denoServe: us('kernel ledger: RST; a small response waits up to the idle limit, then FIN'),
  },
  {
    what: 'GOAWAY when a drain begins to close, and requests in flight finish',
    cases: ['h2-goaway-on-drain'],
    nodeHttp: us('GOAWAY with the last request that is answered'),
    denoServe: runtime('its own graceful shutdown'),
  },
  {
    what: 'GOAWAY in two, so that no request that is on its way is turned away',
    cases: ['h2-goaway-in-two'],
    nodeHttp: noShutdownNotice,
    denoServe: runtime('its own graceful shutdown'),
  },
  {
    what: 'In the announce phase of a drain a request on a session is answered, and GOAWAY follows',
    option: 'drainDelayMs',
    cases: ['h2-drain-announced'],
    nodeHttp: us('each session’s next request is its last'),
    denoServe: nobody('they are answered; then FIN, no GOAWAY'),
  },
  {
    what: 'In that phase a new session is served',
    option: 'drainDelayMs',
    cases: ['h2-drain-new-session'],
    nodeHttp: us('as ever'),
    denoServe: runtime('as ever'),
  },
  {
    what: 'GOAWAY at the session’s age limit',
    option: 'maxConnectionAgeMs',
    cases: ['h2-age-goaway'],
    nodeHttp: us('swept, and at each request'),
    denoServe: pastEncryption,
  },
]
