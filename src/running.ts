/** What `serve()` returns where every connection is in a book. */
import type { Enforcement } from './enforcement.ts'
import type { Book, Member } from './lifecycle/book.ts'
import type { Drain } from './lifecycle/drain.ts'
import { stderrLog } from './log.ts'
import type { Policy } from './policy.ts'
import type { ConnectionsSummary, Running, ServeOptions } from './server.ts'
import { type ReasonLog, urlOf } from './serving.ts'
import { onSignals } from './signals.ts'

export interface RunningParts {
  readonly engine: string
  readonly why: string
  readonly options: ServeOptions
  readonly port: number
  readonly policy: Policy
  readonly enforcement: Enforcement
  readonly log: ReasonLog
  readonly book: Book<Member>
  readonly drain: Drain
  readonly requests: () => number
  /** Under the kernel ledger; default: not counted. */
  readonly races?: (() => Pick<ConnectionsSummary, 'closeRaces' | 'abortsOnData'>) | undefined
  readonly setCertificates?: Running['setCertificates'] | undefined
}

export function runningOf({
  engine,
  why,
  options,
  port,
  policy,
  enforcement,
  log,
  book,
  drain,
  requests,
  races = () => ({ closeRaces: null, abortsOnData: null }),
  setCertificates,
}: RunningParts): Running {
  const running: Running = {
    url: urlOf({ secure: options.tls !== undefined, host: options.host, port, unix: options.unix }),
    engine,
    engineWhy: why,
    policy,
    enforcement,
    get phase() {
      return drain.phase
    },
    connections() {
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
    },
    ...(setCertificates && { setCertificates }),
    drain: (how) => drain.start(how).finally(log.flush),
    kill: () => drain.kill().finally(log.flush),
  }
  if (options.signals !== false) onSignals(running, { log: options.log ?? stderrLog })
  return running
}
