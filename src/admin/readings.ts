/** The metrics of whatever an admin listener tells of. */
import type { Reading } from '../observe/reading.ts'
import { readServers } from '../observe/server-metrics.ts'
import type { Running } from '../serve/contract.ts'
import type { Administered } from './routes.ts'

/** `readings` is there wherever there is more to tell than of one server of this process. */
export const readingsOf = (server: Administered): Reading[] =>
  server.readings?.() ?? readServers([{ server: server as Administered & Pick<Running, 'observer'> }])
