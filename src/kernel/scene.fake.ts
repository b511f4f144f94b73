/** A server's ledger over a fake kernel, with a clock that the test moves: for tests alone. */
import { backgroundClock } from '../lifecycle/clock.ts'
import type { ReasonName } from '../lifecycle/reasons.ts'
import type { PolicyInput } from '../policy/policy.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { FakeKernel, type FakeSocket } from './kernel.fake.ts'
import { peerName } from './layout.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'
import type { IncomingBody } from './observe.ts'
import { Scan } from './scan.ts'
import type { TrackedSocket } from './tracked-socket.ts'

export const serverPort = 8_080
const host = '127.0.0.1'
export const scanMs = 50

export function scene(input: PolicyInput = {}, more: Partial<LedgerOptions> = {}) {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000, minIdleMs: 1_000, ...input })
  let now = 1_000
  const clock = () => now
  const kernel = new FakeKernel(clock)
  const reasons: ReasonName[] = []
  const listeners: number[] = []
  const ledger = new Ledger({
    policy,
    kernel,
    clock: { ...backgroundClock, now: clock },
    secure: false,
    notes: 'every',
    onClosed: (reason) => reasons.push(reason),
    random: () => 0.5,
    ...more,
  })
  const scan = new Scan({
    kernel,
    ledger,
    at: { host, port: serverPort },
    clock: { ...backgroundClock, now: clock },
    onListener: (fd) => listeners.push(fd),
  })
  const name = (port: number) => peerName(host, port)
  return {
    policy,
    kernel,
    ledger,
    reasons,
    listeners,
    now: clock,
    /** Time passes, and the scan and the sweep of the connections with it. */
    pass(ms: number): void {
      const end = now + ms
      while (now < end) {
        now = Math.min(end, now + scanMs)
        scan.tick()
        ledger.connections.sweep()
      }
    },
    /** Time passes, and nobody looks. */
    skip(ms: number): void {
      now += ms
    },
    listen: () => kernel.accept({ host, port: serverPort }, null),
    connect: (port = 40_000, fd?: number) => kernel.accept({ host, port: serverPort }, { host, port }, fd),
    started: (port = 40_000, body: IncomingBody | null = null) => ledger.started(name(port), body),
    socket: (fd: number): FakeSocket => kernel.sockets.get(fd)!,
    record: (fd: number): TrackedSocket | undefined => ledger.at(fd),
    state: (fd: number) => ledger.at(fd)?.connection.state,
    end(): void {
      for (const record of [...ledger.connections]) ledger.gone(record)
    },
  }
}
