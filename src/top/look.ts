/** What `hangup top` sees at one moment. */
import type { AdminClient } from '../admin/client.ts'
import type { Summary } from '../admin/routes.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import type { ConnectionView } from '../observe/observer.ts'

export interface Look {
  /** Ms since 1970. */
  readonly at: number
  readonly summary: Summary
  /** Those that have been longest in their state. */
  readonly connections: readonly ConnectionView[]
  /** The latest first. */
  readonly ends: readonly EndedConnection[]
}

/** To list more is work for the server, and nobody scrolls so far. */
const mostConnections = 1_000
const mostEnds = 20

/** One after another: an admin listener takes few connections of all who watch. */
export async function lookAt(client: AdminClient): Promise<Look> {
  const summary = await client.summary()
  const connections = await client.connections(mostConnections)
  const ends = await client.ends(mostEnds)
  return { at: Date.now(), summary, connections, ends }
}
