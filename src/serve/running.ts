/** What `serve()` returns, of what the engines differ in. */

import { deferred } from '../deferred.ts'
import type { Connections, Member } from '../lifecycle/connections.ts'
import type { Drain, DrainResult } from '../lifecycle/drain.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import { lostLine } from '../observe/lost-line.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import { servesUntil } from '../streams/draining.ts'
import type { ConnectionsSummary, Running, ServeOptions, ServerAddress } from './contract.ts'
import { stderrLog } from './log.ts'
import { type ReasonLog, urlOf } from './prepare.ts'
import { holdRoutes } from './route-limits.ts'
import type { Start } from './runtime.ts'
import { onSignals } from './signals.ts'

/** Where the runtime says that it listens. */
interface ListeningAt {
  /** Empty on a Unix socket. */
  readonly host: string
  readonly port: number
}

interface Parts {
  readonly engine: string
  readonly start: Start
  readonly at: ListeningAt
  readonly enforcement: Enforcement
  readonly log: ReasonLog
  readonly drain: Drain
  readonly setCertificates?: Running['setCertificates'] | undefined
}

export interface RunningParts extends Parts {
  readonly connections: Connections<Member>
  readonly requests: () => number
  /** Under the kernel ledger; default: not counted. */
  readonly races?: (() => Pick<ConnectionsSummary, 'closeRaces' | 'abortsOnData'>) | undefined
}

const notCounted = { closeRaces: null, abortsOnData: null } as const

type WebSocketsSummary = Pick<ConnectionsSummary, 'webSocketCloses' | 'webSocketEnds'>

function closesOf({ closes, ends }: LongLived, { hungUp }: ConnectionsSummary): WebSocketsSummary {
  if (Object.keys(closes).length === 0) return {}
  const { lost: unclean = 0, ...others } = ends
  // Nobody reads a close frame of those either: to the runtime they are lost.
  const idle = Math.min(unclean, hungUp['webSocketIdleTimeoutMs'] ?? 0)
  const lost = unclean - idle
  return { webSocketCloses: closes, webSocketEnds: { ...others, ...(idle > 0 && { idle }), ...(lost > 0 && { lost }) } }
}

/** Where every connection is known. */
export function runningOf({ connections, requests, races = () => notCounted, ...parts }: RunningParts): Running {
  return runningWith(parts, () => {
    let busy = 0
    let changedLimits = 0
    for (const { connection } of connections) {
      if (connection.owesAnswer) busy += 1
      if (connection.limits !== connection.ownLimits) changedLimits += 1
    }
    return {
      open: connections.size,
      busy,
      states: connections.states(),
      requests: requests(),
      changedLimits,
      hungUp: { ...connections.hungUp },
      ...races(),
    }
  })
}

/** Where the runtime shows requests and no connections. */
export function runningUnseen(
  parts: Parts,
  seen: () => Pick<ConnectionsSummary, 'busy' | 'requests' | 'hungUp'>,
): Running {
  return runningWith(parts, () => {
    const { busy, requests, hungUp } = seen()
    return { open: null, busy, states: {}, requests, changedLimits: null, hungUp: { ...hungUp }, ...notCounted }
  })
}

function runningWith(
  { engine, start, at, enforcement, log, drain, setCertificates }: Parts,
  summary: () => ConnectionsSummary,
): Running {
  const { options, resolved, why } = start
  const address = addressOf(options, at)
  let letGoOfSignals = (): void => {}
  start.observer.onLost((lost) => {
    log.write({ level: 'warn', code: 'REQUEST_LOST', message: lostLine(lost, resolved.policy) })
  })
  const letGoOfRoutes = holdRoutes({ runtime: start.runtime, enforcement, write: (line) => log.write(line) })
  const signal = drain.longLived?.draining
  const closesDraining = start.isInternal || signal === undefined ? () => {} : servesUntil(signal)
  const ended = async (): Promise<void> => {
    closesDraining()
    start.observer.over()
    letGoOfRoutes()
    log.flush()
    letGoOfSignals()
    start.companions.stopExport?.()
    await start.companions.admin?.close()
  }
  const closed = deferred<DrainResult>()
  const end = async (how: Promise<DrainResult>): Promise<DrainResult> => {
    const result = await how.finally(ended)
    closed.resolve(result)
    return result
  }
  const close: Running['close'] = ({ fast = false } = {}) =>
    end(fast ? drain.kill() : drain.start({ announce: false, atOnce: true }))
  const running: Running = {
    url: address.url,
    address,
    engine,
    engineWhy: why,
    policy: resolved.policy,
    enforcement,
    get phase() {
      return drain.phase
    },
    connections() {
      const now = summary()
      return { ...now, ...closesOf(start.longLived, now) }
    },
    observer: start.observer,
    get admin() {
      const { admin } = start.companions
      return admin && { ...admin.address, close: () => admin.close() }
    },
    ...(setCertificates && { setCertificates }),
    drain: ({ announce = true } = {}) => end(drain.start({ announce })),
    kill: () => end(drain.kill()),
    close,
    closed: closed.promise,
    async [asyncDispose]() {
      await close()
    },
  }
  if (options.signals !== false) {
    letGoOfSignals = onSignals(running, { log: options.log ?? stderrLog, inFlight: () => summary().busy })
  }
  return running
}

/** What compilers ask for where the runtime has no such symbol yet. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)

function addressOf({ tls, host, unix }: ServeOptions, at: ListeningAt): ServerAddress {
  const url = urlOf({ secure: tls !== undefined, host, port: at.port, unix })
  if (unix !== undefined) return { url, family: 'unix', host: '', port: 0, path: unix }
  return { url, family: at.host.includes(':') ? 'IPv6' : 'IPv4', host: at.host, port: at.port, path: null }
}
