/** The time of the application until it has returned a response. */

import type { State } from '../../lifecycle/states.ts'
import { type ByRoute, type HeldBy, perRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'From the end of the head until the handler has returned its response.',
  resets: 'nothing',
  peerSees: '503; the request’s signal is aborted',
  why: 'Only the application knows how long its work takes.',
  source: 'Go http.TimeoutHandler (503)',
}

export const reasons = {
  handler: { label: 'timeout', status: 503, act: 'report', message: 'answered 503: a handler took too long' },
} as const satisfies Reasons

export const heldIn: State = 'handling'

const ours = us('a timer round the handler')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: ours,
  workers: us('a timer round the handler; time that it computes counts against the platform’s CPU limit instead'),
}

export const byRoute: ByRoute = { ...perRequest, workers: perRequest.socketEngine }
