/** The size of a request body. */

import type { State } from '../../lifecycle/states.ts'
import { type ByRoute, type HeldBy, perRequest, platform, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'bytes',
  default: 2 ** 30,
  off: true,
  what: 'The size of a request body.',
  resets: '–',
  peerSees: '413, close',
  why: 'An upload larger than that wants a service of its own; without a limit a disk or memory is the limit.',
  source: 'RFC 9110 15.5.14 (413)',
}

export const reasons = {
  bodyTooLarge: {
    label: 'too-large',
    status: 413,
    act: 'refuse-body',
    message: 'answered 413: a request body was too large',
  },
} as const satisfies Reasons

export const heldIn: State = 'body'

const ledger = us('Content-Length, else counted as the application reads')

export const heldBy: HeldBy = {
  socketEngine: us('the parser'),
  nodeHttp: us('Content-Length, else counted'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: us('Content-Length, else counted; the rest is read away, so that the 413 arrives'),
  workers: platform('413 from 100 MB (plans Free and Pro), 200 MB (Business), up to 5 GB (Enterprise)'),
}

export const byRoute: ByRoute = perRequest
