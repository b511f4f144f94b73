/**
 * Every code that an error, a line of the log or the end of a command carries, as data. Callers
 * match codes, never messages. The types make a code that is not in here impossible; docs/errors.md
 * is written from it.
 */
import type { OptionName } from './policy.ts'

export interface Code {
  readonly means: string
  /** Who has to change something. */
  readonly fault: 'configuration' | 'application' | 'client' | 'upstream' | 'machine' | 'hangup' | 'nobody'
  readonly remedy: string
}

interface ThrownCode extends Code {
  /** What the command or the client gets. */
  readonly ends: string
}

/** Tables whose names are part of the type, and whose texts are not: bundlers see through them. */
function thrown<Name extends string>(rows: Readonly<Record<Name, ThrownCode>>): typeof rows {
  return rows
}
function logged<Name extends string>(rows: Readonly<Record<Name, Code>>): typeof rows {
  return rows
}

const illegalMove: ThrownCode = {
  means: 'An observer reported an event that its connection cannot have in its state.',
  fault: 'hangup',
  ends: 'that connection is cut',
  remedy: 'Report it, with the message.',
}

/** Of errors that are thrown, or given to `onError`. */
export const errorCodes = thrown({
  CONFIG_INVALID: {
    means: 'An option, a flag, a variable or a file that one of them names is invalid, or no engine here holds it.',
    fault: 'configuration',
    ends: 'exit status 2; from `serve()` a rejection',
    remedy: 'Read `problems`: each names the option as you wrote it, the value given and what is accepted.',
  },
  CERTIFICATE_INVALID: {
    means: 'A certificate and its key cannot be served with.',
    fault: 'configuration',
    ends: 'exit status 2; from `serve()` a rejection',
    remedy: 'The message says which part is wrong; give the whole chain, the server’s own certificate first.',
  },
  LISTEN_FAILED: {
    means:
      'The address cannot be listened on. Where the system says why, `code` is the system’s: `EADDRINUSE`, `EACCES`, …',
    fault: 'machine',
    ends: 'exit status 2; from `serve()` a rejection',
    remedy: 'Choose another port or path, or end the program that has it.',
  },
  UNUSABLE_RESPONSE: {
    means: 'The handler returned something that cannot be sent: not a Response, or one whose body is used or locked.',
    fault: 'application',
    ends: '500',
    remedy: 'Return a new Response from every path of the handler; `clone()` one that is kept.',
  },
  BODY_LENGTH: {
    means: 'A response has more or fewer bytes than its Content-Length says.',
    fault: 'application',
    ends: 'the response is cut, so that it never looks whole',
    remedy: 'Leave Content-Length out, or give the length in bytes, not in characters.',
  },
  BODY_REFUSED: {
    means: 'The handler reads a request body that a limit has ended.',
    fault: 'client',
    ends: '408, 413 or 400, whatever the handler answers',
    remedy: 'Nothing, or raise `maxBodyBytes`, `bodyTimeoutMs` or `minBodyBytesPerSec`.',
  },
  HANDLER_TIMEOUT: {
    means: '`handlerTimeoutMs` ran out; it is the reason of `request.signal`.',
    fault: 'application',
    ends: '503',
    remedy: 'Pass `request.signal` on to what the handler waits for, or raise the limit.',
  },
  CLIENT_GONE: {
    means: 'The client left before its WebSocket was there.',
    fault: 'client',
    ends: 'nobody is left to answer',
    remedy: 'Nothing.',
  },
  CONN_ILLEGAL_MOVE: illegalMove,
  SPOOL_FULL: {
    means: 'A message to be kept on disk finds no room: `spoolMaxBytes`, or the disk.',
    fault: 'machine',
    ends: '413, or the response passes through unspooled',
    remedy: 'Make room, or change `spoolDir` or `spoolMaxBytes`.',
  },
  ADMIN_UNREACHABLE: {
    means: 'No admin listener answers `hangup why` or `hangup top`, or it refuses the token.',
    fault: 'configuration',
    ends: 'exit status 2',
    remedy: 'Start the server with `--admin`; `--admin`, `HANGUP_ADMIN` and `HANGUP_ADMIN_TOKEN` say where and how.',
  },
  PROBE_UNREACHABLE: {
    means: '`hangup probe` found no server at the URL.',
    fault: 'configuration',
    ends: 'exit status 2',
    remedy: 'Start the server, or correct the URL.',
  },
  RESCUE_NOTHING: {
    means: '`hangup rescue` found no process or listener to look at.',
    fault: 'configuration',
    ends: 'exit status 2',
    remedy: 'Name the process by `--pid` or its listener by `--port`; another user’s needs root.',
  },
  RESCUE_REDIRECT: {
    means: '`hangup rescue --front` cannot redirect the port.',
    fault: 'machine',
    ends: 'exit status 2',
    remedy: 'The message is nft’s; it needs nftables and CAP_NET_ADMIN.',
  },
  RESCUE_BORROW: {
    means: 'The kernel did not lend a descriptor of the other process.',
    fault: 'machine',
    ends: 'connections are reset instead; without that permission exit status 2',
    remedy: 'Run it as root, or with CAP_SYS_PTRACE.',
  },
  RESCUE_NETLINK: {
    means: 'The kernel did not answer a question about its sockets.',
    fault: 'machine',
    ends: 'exit status 2',
    remedy: 'It takes Linux with INET_DIAG; ending sockets takes CAP_NET_ADMIN.',
  },
})
export type ErrorCode = keyof typeof errorCodes

/** What an error class of ours implements. */
export interface Coded<C extends string = ErrorCode> {
  readonly code: C
}

/** Of lines in the log, beside the options that limits log under. */
export const logCodes = logged({
  APPLICATION_ERROR: {
    means: 'The application threw, rejected, or returned what cannot be sent.',
    fault: 'application',
    remedy: 'The line has the request and the error. With `onError` it is yours to write.',
  },
  LINES_LEFT_OUT: {
    means: 'The application failed more than 20 times in a second; `count` errors were not written.',
    fault: 'application',
    remedy: 'Mend the errors around it.',
  },
  REQUEST_LOST: {
    means:
      'A client sent a request on a connection that waited for it, in the moment in which this server closed it; the kernel reset the connection, and nobody executed the request.',
    fault: 'configuration',
    remedy:
      'A client that keeps connections longer than `idleTimeoutMs` does this for ever: choose the preset of what stands in front, or raise the option that the line names.',
  },
  LIMITS_UNREACHED: {
    means:
      '`limits()` or `withLimits()` was called with a Request that no server has given, a copy: nothing was changed.',
    fault: 'application',
    remedy: 'Call it before whatever copies the Request: `app.mount()`, `bodyLimit`, `new Request(request)`.',
  },
  ENGINE_ERROR: {
    means: 'The engine failed outside every request.',
    fault: 'hangup',
    remedy: 'Report it, with the message.',
  },
  CONN_ILLEGAL_MOVE: illegalMove,
  ACCEPT_FAILED: {
    means: 'The listener could not accept a connection.',
    fault: 'machine',
    remedy: 'Mostly the process has no descriptor left: raise `ulimit -n`.',
  },
  OPENTELEMETRY_UNUSED: {
    means:
      'The program has an OpenTelemetry SDK, and its API is not to be found from here: no metrics and no spans go there.',
    fault: 'application',
    remedy: 'Install `@opentelemetry/api` where hangup is installed.',
  },
  OPENTELEMETRY_FAILED: {
    means: 'The OpenTelemetry SDK of the program threw. Requests go on without it; said once.',
    fault: 'application',
    remedy: 'Look at its exporters and processors.',
  },
  COARSE_LIMITS: {
    means: 'A limit is held in steps, so it may end a connection later than it says.',
    fault: 'nobody',
    remedy: 'Nothing, or choose `--engine hangup`.',
  },
  LINES_LOST: {
    means: 'What reads the log is too slow or gone, or the disk is full: `count` lines were not written.',
    fault: 'machine',
    remedy: 'The line says why; make room, or read faster. Requests are served meanwhile.',
  },
  LINES_WAIT: {
    means: 'A write of the access log failed, as on a full disk. Lines wait, up to a million characters.',
    fault: 'machine',
    remedy: 'Make room; it is tried again each second, and requests are served meanwhile.',
  },
  REOPEN_FAILED: {
    means: 'The file of the access log could not be opened anew at a signal; the old one goes on.',
    fault: 'machine',
    remedy: 'Look at the folder and its owner, and send the signal again.',
  },
  ACCESS_LOG_FAILED: {
    means: 'The function given as `accessLog` threw.',
    fault: 'application',
    remedy: 'Mend it; the line has the error. Requests are served meanwhile.',
  },
  DRAINING: {
    means: 'A signal has begun the drain.',
    fault: 'nobody',
    remedy: 'Nothing; a second signal cuts what is in flight.',
  },
  DRAINED: { means: 'The drain is over, and the process ends.', fault: 'nobody', remedy: 'Nothing.' },
  DRAIN_CUT: {
    means: 'The drain, or a second signal, cut `count` requests.',
    fault: 'nobody',
    remedy: 'Raise `drainTimeoutMs`, and with it the grace of what sends the signal.',
  },
  DRAIN_FAILED: { means: 'The drain itself failed.', fault: 'hangup', remedy: 'Report it, with the message.' },
  SIGNAL_UNAVAILABLE: {
    means: 'This system or runtime has no such signal.',
    fault: 'nobody',
    remedy: 'Nothing; stop the server by the other signal, or by `drain()`.',
  },
  NOTIFY_FAILED: {
    means: 'systemd waits to be told that the service is ready, and `systemd-notify` could not do it.',
    fault: 'machine',
    remedy: 'Install systemd-notify where the service sees it, or make the unit `Type=exec`.',
  },
  SOCKETS_NOT_OURS: {
    means: 'systemd has opened sockets for another process than this one: a shell, npm or npx stands in between.',
    fault: 'configuration',
    remedy: 'Let `ExecStart=` name the runtime itself.',
  },
  WORKER_DIED: {
    means: 'A worker (`--workers`) ended by itself, with the connections that it had; another takes its place.',
    fault: 'application',
    remedy: 'Look at the lines before: what it threw, or why the system killed it (memory).',
  },
  WORKER_STUCK: {
    means: 'The event loop of a worker stood still for `WATCHDOG_USEC`; it was killed, and another takes its place.',
    fault: 'application',
    remedy: 'Look for what computes or waits in it.',
  },
  WORKERS_FAILED: {
    means: 'No worker stays up: the command ends with status 1, so that its supervisor hears of it.',
    fault: 'application',
    remedy: 'Look at the lines before.',
  },
  ROLLING: { means: 'A signal has begun to replace the workers.', fault: 'nobody', remedy: 'Nothing.' },
  ROLLED: { means: 'Every worker has been replaced.', fault: 'nobody', remedy: 'Nothing.' },
  ROLL_STOPPED: {
    means: 'A new worker did not start; those that were not replaced yet go on.',
    fault: 'application',
    remedy: 'Mend what the lines before name, and send the signal again.',
  },
  SERVICE_LINKS: {
    means: 'Variables that look like settings come from a Kubernetes Service of that name, and are ignored.',
    fault: 'nobody',
    remedy: 'Nothing, or `enableServiceLinks: false`.',
  },
  RELOADED: { means: 'The gateway runs the new configuration.', fault: 'nobody', remedy: 'Nothing.' },
  RELOAD_REFUSED: {
    means: 'The new configuration is invalid; the old one goes on.',
    fault: 'configuration',
    remedy: 'Correct what the line names; `hangup gateway --check` says the same.',
  },
  NEEDS_RESTART: {
    means: 'A part of the new configuration takes effect only with a restart.',
    fault: 'configuration',
    remedy: 'Restart the gateway.',
  },
  CONFIG_NOTE: {
    means: 'The new configuration is valid and has something to look at, such as a certificate that ends soon.',
    fault: 'configuration',
    remedy: 'The line says what.',
  },
  WATCH_FAILED: {
    means: 'The system does not report changes in a folder of the configuration.',
    fault: 'machine',
    remedy: 'Send SIGHUP after each change.',
  },
  GATEWAY_LOOP: {
    means: 'A request came from this gateway itself, and was answered 508.',
    fault: 'configuration',
    remedy: 'Take the gateway out of its own upstreams; in a chain give each its `--pseudonym`.',
  },
  UPSTREAM_DOWN: {
    means: 'An upstream failed its checks and gets no requests.',
    fault: 'upstream',
    remedy: 'Look at that server.',
  },
  UPSTREAM_EJECTED: {
    means: 'An upstream failed several requests in a row and gets none for a while.',
    fault: 'upstream',
    remedy: 'Look at that server.',
  },
  UPSTREAM_KEPT: {
    means: 'An upstream failed several requests in a row and stays in use: it is the last of its group.',
    fault: 'upstream',
    remedy: 'Look at that server, and at the others.',
  },
  UPSTREAM_UP: { means: 'An upstream gets requests again.', fault: 'nobody', remedy: 'Nothing.' },
  UPSTREAM_RESOLVED: { means: 'The name of an upstream has other addresses now.', fault: 'nobody', remedy: 'Nothing.' },
  UPSTREAM_UNRESOLVED: {
    means: 'The name of an upstream could not be looked up; the addresses that are known stay.',
    fault: 'machine',
    remedy: 'Look at the name and at DNS.',
  },
  UPSTREAM_HEAD_BODY: {
    means: 'An upstream sends a body with its answers to HEAD; their connections are not used again.',
    fault: 'upstream',
    remedy: 'Mend that server.',
  },
  UPSTREAM_SURPLUS: {
    means: 'An upstream sent bytes beyond its answer; its connections rest after each answer.',
    fault: 'upstream',
    remedy: 'Mend that server.',
  },
})

/** A limit logs under its option. */
export type LogCode = keyof typeof logCodes | OptionName | 'proxyProtocol'

export const exitStatuses: readonly (readonly [status: string, commands: string, means: string])[] = [
  ['0', 'all', 'Done: every request of a drain was answered, every case held, nothing was left to close.'],
  ['1', '`serve`, `gateway`', 'The drain had to cut at least one request.'],
  ['1', '`probe`', 'At least one case failed.'],
  ['1', '`rescue`', 'The server is still out of descriptors or workers.'],
  ['1', '`why`', 'There is no such connection, or its end cannot be saved as a case.'],
  ['2', 'all', 'The command could not run: invalid configuration, an address in use, nobody there.'],
  [
    '129, 130, 143',
    '`serve`, `gateway`, `probe`, `top`',
    'Ended at once by SIGHUP (`top`), SIGINT or SIGTERM (of a drain: the second).',
  ],
]
