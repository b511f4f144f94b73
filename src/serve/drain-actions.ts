/** What a drain asks of connections that are ended by our own code, on sockets and under node:http. */
import type { Connections, Member } from '../lifecycle/connections.ts'
import type { DrainActions } from '../lifecycle/drain.ts'

/** `letGo`: once nothing is left to answer, or at the cut; it may be called again. */
export const connectionActions = <M extends Member>(
  connections: Connections<M>,
  letGo: () => void,
): Pick<DrainActions, 'closeIdle' | 'left' | 'cut'> => ({
  closeIdle: (closingForMs, atOnce) => connections.closeIdle(closingForMs, atOnce),
  left: () => {
    if (connections.size === 0) letGo()
    return connections.size
  },
  cut: () => {
    letGo()
    return connections.cut()
  },
})
