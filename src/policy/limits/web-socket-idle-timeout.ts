/** The quiet time of a WebSocket's client, which is pinged before it runs out. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import type { Rule, Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Quiet time of the client of a WebSocket. It is pinged at half of it, so only a client that answers no ping is closed. Off: what the runtime does by itself, nothing on Node, 30 s on Deno, 120 s on Bun.',
  resets: 'anything that comes from the client, a pong too',
  peerSees: 'pings; at the end FIN without a close frame, since nobody reads one',
  why: 'TCP keepalive (`peerProbeMs`) asks the kernel of the client, or the proxy before it; only a pong shows that the program behind it still runs.',
  source: 'RFC 6455 5.5.2; Bun websocket.idleTimeout 120 s, Deno upgradeWebSocket idleTimeout 30 s',
}

export const reasons = {
  webSocketIdle: { label: 'timeout', status: null, act: 'end', message: null },
} as const satisfies Reasons

const rule: Rule = {
  options: ['webSocketIdleTimeoutMs'],
  reasons: ['webSocketIdle'],
  bind({ webSocketIdleTimeoutMs: limitMs }) {
    if (limitMs === 0) return null
    return {
      shortestMs: limitMs,
      needsLook: false,
      dueAt: ({ heardAt }) => heardAt + limitMs,
      breach: ({ heardAt }, _, now) => (now - heardAt >= limitMs ? 'webSocketIdle' : null),
    }
  },
}

export const rules: Rules = { upgraded: rule }

/** Its own clock knows messages and pongs only, and there is no other way to have it ping. */
const byDeno = 'pinged by Deno, which closes with 1001 a client that sends no whole message for 1.1 times as long'

export const heldBy: HeldBy = {
  socketEngine: us(`swept every 50 ms; pinged by \`ws\` or Bun, or ${byDeno}`),
  nodeHttp: us('pinged by `ws`; swept every 100 ms'),
  denoServe: us(`kernel ledger; ${byDeno}`),
  bunServe: us('pinged by Bun; kernel ledger'),
  bunIdleTimer: nobody('Bun’s own `websocket.idleTimeout`, which `hono/bun` leaves at 120 s'),
  workers: nobody(edge.itsConnections),
}
