/**
 * The upstreams of a gateway as all of its workers see them: each has connections and an opinion of
 * its own.
 */
import type { GatewayStatus, MemberStatus } from '../gateway/status.ts'

export function statusOf(all: readonly GatewayStatus[]): GatewayStatus {
  const groups: Record<string, MemberStatus[]> = {}
  for (const [name, members] of all.flatMap((status) => Object.entries(status.groups))) {
    const known = groups[name] ?? []
    groups[name] = members.reduce(withMember, known)
  }
  return {
    groups,
    tunnels: all.reduce((sum, { tunnels }) => sum + tunnels, 0),
    spooledBytes: all.reduce((sum, { spooledBytes }) => sum + spooledBytes, 0),
  }
}

const withMember = (members: readonly MemberStatus[], member: MemberStatus): MemberStatus[] =>
  members.some(({ name }) => name === member.name)
    ? members.map((known) => (known.name === member.name ? both(known, member) : known))
    : [...members, member]

/** Counts are added up; of the rest the worker that thinks the worst of it is told of. */
function both(a: MemberStatus, b: MemberStatus): MemberStatus {
  const worse = b.share < a.share || b.failuresInRow > a.failuresInRow ? b : a
  return {
    ...worse,
    inFlight: a.inFlight + b.inFlight,
    pool:
      a.pool === null || b.pool === null
        ? null
        : {
            idle: a.pool.idle + b.pool.idle,
            busy: a.pool.busy + b.pool.busy,
            queued: a.pool.queued + b.pool.queued,
          },
  }
}
