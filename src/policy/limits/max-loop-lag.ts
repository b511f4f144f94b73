/** How late the event loop may be before new requests are refused. */
import { type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Lag of the event loop above which a new request is answered 503 before the application is asked.',
  resets: 'a turn of the loop that is on time',
  peerSees: '503 with `Retry-After`',
  why: 'A server that computes more than it can answer does all of it too late; but only the application knows how long its turns are.',
  source: 'RFC 9110 15.6.4 (503), 10.2.3 (Retry-After)',
}

export const reasons = {
  overload: {
    label: 'overload',
    status: 503,
    act: 'report',
    message: 'answered 503: the event loop is behind',
  },
} as const satisfies Reasons

const ours = us('a timer of ours, when a request comes')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: ours,
  workers: nobody('the platform runs a Worker in as many places as it takes'),
}
