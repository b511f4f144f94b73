/** The total time of a request body, whatever the response does meanwhile. */
import { type ByRoute, type HeldBy, nobody, perConnection, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { type Clocks, never, type Rule, type Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'From the end of a head to the end of its body, whoever takes the time: client, network or application.',
  resets: 'nothing',
  peerSees: '408, close',
  why: 'At the minimum rate a body of 1 GB takes 51 days, all of them within the other limits; how long an upload may take only its application knows.',
  source: 'Node http.Server requestTimeout 300 s; Tomcat connectionUploadTimeout 300 s',
}

export const reasons = {
  upload: {
    label: 'total-timeout',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body took too long',
  },
} as const satisfies Reasons

const rule: Rule = {
  options: ['uploadTimeoutMs'],
  reasons: ['upload'],
  bind({ uploadTimeoutMs }) {
    if (uploadTimeoutMs === 0) return null
    const dueAt = ({ receivesBody, since }: Clocks) => (receivesBody ? since + uploadTimeoutMs : never)
    return {
      shortestMs: uploadTimeoutMs,
      needsLook: false,
      dueAt,
      breach: (clocks, _, now) => (now >= dueAt(clocks) ? 'upload' : null),
    }
  },
}

export const rules: Rules = { body: rule, writing: rule }

const ledger = us('kernel ledger, while the application reads the body through the Request it was given')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms'),
  nodeHttp: us('swept every 100 ms; HTTP/2: since the latest body of the session began'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: nobody('the kernel ledger holds it (Linux), and so does --engine hangup'),
  workers: nobody('the edge publishes none'),
}

export const byRoute: ByRoute = perConnection
