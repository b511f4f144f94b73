/** What `serve()` returns, of what the engines differ in. */

import type { Connections, Member } from '../lifecycle/connections.ts'
import type { Drain } from '../lifecycle/drain.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { ConnectionsSummary, Running } from './contract.ts'
import { stderrLog } from './log.ts'
import { type ReasonLog, urlOf } from './prepare.ts'
import type { Start } from './runtime.ts'
import { onSignals } from './signals.ts'

interface Parts {
  readonly engine: string
  readonly start: Start
  readonly port: number
  readonly enforcement: Enforcement
  readonly log: ReasonLog
  readonly drain: Drain
  readonly setCertificates?: Running['setCertificates'] | undefined
}

export interface RunningParts extends Parts {
  readonly book: Connections<Member>
  readonly requests: () => number
  /** Under the kernel ledger; default: not counted. */
  readonly races?: (() => Pick<ConnectionsSummary, 'closeRaces' | 'abortsOnData'>) | undefined
}

const notCounted = { closeRaces: null, abortsOnData: null } as const

/** Where every connection is in a book. */
export function runningOf({ book, requests, races = () => notCounted, ...parts }: RunningParts): Running {
  return runningWith(parts, () => {
    let busy = 0
    for (const { connection } of book) if (connection.owesAnswer) busy += 1
    return {
      open: book.size,
      busy,
      states: book.states(),
      requests: requests(),
      hungUp: { ...book.hungUp },
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
    return { open: null, busy, states: {}, requests, hungUp: { ...hungUp }, ...notCounted }
  })
}

function runningWith(
  { engine, start, port, enforcement, log, drain, setCertificates }: Parts,
  connections: () => ConnectionsSummary,
): Running {
  const { options, resolved, why } = start
  const running: Running = {
    url: urlOf({ secure: options.tls !== undefined, host: options.host, port, unix: options.unix }),
    engine,
    engineWhy: why,
    policy: resolved.policy,
    enforcement,
    get phase() {
      return drain.phase
    },
    connections,
    ...(setCertificates && { setCertificates }),
    drain: (how) => drain.start(how).finally(log.flush),
    kill: () => drain.kill().finally(log.flush),
  }
  if (options.signals !== false) onSignals(running, { log: options.log ?? stderrLog })
  return running
}
