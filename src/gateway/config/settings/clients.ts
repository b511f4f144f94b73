/** The limits of one client address. */
import { limit } from '../setting.ts'

export const clientSettings = {
  maxConnections: limit(
    {
      kind: 'count',
      default: 0,
      off: true,
      what: 'Connections of one client address at once (IPv6: of one /64), counted from accept on. One too many: 503, or closed after a second of silence. On HTTP/2 each request under way counts as one, as in nginx.',
      resets: '–',
      peerSees: '503 and close',
      why: 'Whole offices and mobile networks share an address.',
      source: 'nginx limit_conn (off)',
    },
    {
      flag: 'clientMaxConnections',
      workers: {
        why: 'a Worker sees requests, not connections; clients.requestsPerSec is available',
        only: 0,
        accepted: 'off',
      },
    },
  ),
  requestsPerSec: limit(
    {
      kind: 'count',
      default: 0,
      off: true,
      what: 'Requests a second of one client address.',
      resets: '–',
      peerSees: '429 with `Retry-After`',
      why: 'Whole offices and mobile networks share an address.',
      source: 'nginx limit_req (off); RFC 6585 4 (429)',
    },
    { flag: 'clientRequestsPerSec', workers: 'held' },
  ),
  burst: limit(
    {
      kind: 'count',
      default: 'derived',
      off: true,
      what: 'Requests that may come at once after a pause. Derived: those of one second.',
      resets: '–',
      peerSees: '429 with `Retry-After`',
      why: 'A page is many requests.',
      source: 'nginx limit_req burst',
    },
    { flag: 'clientBurst', workers: 'held' },
  ),
} as const
