/**
 * How each runtime's server is started, and what the suite may know of it beforehand: data, one
 * entry each.
 */
import { tmpdir } from 'node:os'
import process from 'node:process'
import { enforcement as workersEnforcement } from '../../runtimes/workers/serve.ts'
import type { Enforcement } from '../../src/policy/enforcement.ts'
import { type OptionName, optionNames, type Policy } from '../../src/policy/policy.ts'
import type { ProfileName } from '../../src/probe/case.ts'
import type { PathName } from '../../src/probe/terms.ts'
import { commandOn, tlsFiles, tlsFlags } from '../lib/runtimes.ts'
import { wrangler, wranglerFlags } from '../lib/worker.ts'

/** Each engine of each runtime: the runtime's own server, or that of hangup on its sockets. */
export const runtimeNames = ['node', 'node-hangup', 'bun', 'bun-hangup', 'deno', 'deno-hangup', 'workers'] as const
export type RuntimeName = (typeof runtimeNames)[number]
export type Transport = 'tcp' | 'tls'

export interface Runtime {
  /** From the project's root; a bare name is one of `node_modules/.bin`. */
  readonly command: readonly string[]
  /** Arguments that make it listen on this port; 0 is a free one. */
  listen(port: number, transport: Transport): readonly string[]
  readonly version: readonly string[]
  readonly profiles: readonly ProfileName[]
  /**
   * `report`: the entry says where it listens and what it holds, in one line of JSON (`--report
   * json`).
   */
  readonly ready: 'report' | { readonly line: RegExp; readonly policy: Policy; readonly enforcement: Enforcement }
  readonly withoutPaths: readonly PathName[]
  /** Its process is the server's own: it may be signalled and looked into. */
  readonly ownProcess: boolean
  /** `false`: what it serves is not an app of ours. */
  readonly ownApp?: false
}

const all: readonly ProfileName[] = [
  'timed',
  'dripping',
  'stream',
  'handler',
  'behind',
  'routed',
  'sized',
  'counted',
  'aged',
  'crowded',
  'crowd',
  'race',
  'drain',
  'drain-cut',
  'drain-announce',
]

const entry = (engine: 'native' | 'hangup', command: readonly string[], version: readonly string[]): Runtime => ({
  command,
  listen: (port, transport) => [
    ...['--engine', engine, '--host', '127.0.0.1', '--port', String(port), '--report', 'json'],
    ...(transport === 'tls' ? tlsFlags : []),
  ],
  version,
  profiles: all,
  ready: 'report',
  withoutPaths: [],
  ownProcess: true,
})

/**
 * The limits that workerd holds by itself, measured: nothing sets them. All others are nobody's
 * there.
 */
const workerd: Partial<Policy> = { idleTimeoutMs: 15_000, headTimeoutMs: 15_000 }

/** With TLS it speaks HTTP/2. */
const speakingHttp2 = (runtime: Runtime): Runtime => ({ ...runtime, profiles: [...all, 'protocol'] })

export const runtimes: Readonly<Record<RuntimeName, Runtime>> = {
  node: speakingHttp2(entry('native', commandOn('node', 'runtimes/node.ts'), ['node', '--version'])),
  'node-hangup': entry('hangup', commandOn('node', 'runtimes/node.ts'), ['node', '--version']),
  bun: entry('native', commandOn('bun', 'runtimes/bun.ts'), ['bun', '--version']),
  'bun-hangup': entry('hangup', commandOn('bun', 'runtimes/bun.ts'), ['bun', '--version']),
  deno: speakingHttp2(entry('native', commandOn('deno', 'runtimes/deno.ts'), ['deno', '--version'])),
  'deno-hangup': entry('hangup', commandOn('deno', 'runtimes/deno.ts'), ['deno', '--version']),
  workers: {
    command: wrangler,
    listen: (port, transport) => [
      ...['--ip', '127.0.0.1', '--port', String(port), ...wranglerFlags],
      // Its database has one user at a time (SQLITE_BUSY), and two of them start together.
      ...['--persist-to', `${tmpdir()}/hangup-workers-${process.pid}-${transport}`],
      ...(transport === 'tls'
        ? ['--local-protocol', 'https', '--https-cert-path', tlsFiles.cert, '--https-key-path', tlsFiles.key]
        : []),
    ],
    version: ['node', '-p', '"workerd " + require("./test/node_modules/workerd/package.json").version'],
    profiles: ['timed'],
    ready: {
      line: /Ready on (https?:\/\/\S+)/,
      policy: Object.fromEntries(optionNames.map((name) => [name, workerd[name] ?? 0])) as Record<OptionName, number>,
      enforcement: workersEnforcement,
    },
    withoutPaths: ['whoami', 'ws', 'count'],
    ownProcess: false,
  },
}
