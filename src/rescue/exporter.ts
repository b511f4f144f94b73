/**
 * Everybody's sockets as metrics: for any server in any language, and without rights (what needs
 * them is left out).
 */
import { Gauge, Registry } from 'prom-client'
import { TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN } from '../kernel/layout.ts'
import { judge } from './judge.ts'
import { holdersOf, type Process, readProcess } from './processes.ts'
import type { SockDiag } from './sock-diag.ts'

/** Idle at least so long, in seconds. */
const ages = [0, 5, 60, 600, 3_600] as const

const unknown = 'unknown'

export function exporterOf(diag: SockDiag): Registry {
  const registry = new Registry()
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })

  const connections = gauge('hangup_sockets', 'Connections by what the kernel shows of them.', [
    'port',
    'process',
    'kind',
  ])
  const idle = gauge(
    'hangup_sockets_idle',
    'Connections between two requests that have been idle for at least so long.',
    ['port', 'process', 'seconds'],
  )
  const longest = gauge('hangup_socket_idle_seconds_max', 'How long the longest idle connection has been idle.', [
    'port',
    'process',
  ])
  const queue = gauge('hangup_accept_queue', 'Connections that wait to be accepted.', ['port'])
  const backlog = gauge('hangup_accept_queue_limit', 'Connections that may wait to be accepted.', ['port'])
  const descriptors = gauge('hangup_process_descriptors', 'Descriptors in use.', ['pid', 'process'])
  const limit = gauge('hangup_process_descriptors_limit', 'Descriptors that may be in use (RLIMIT_NOFILE).', [
    'pid',
    'process',
  ])
  const all = [connections, idle, longest, queue, backlog, descriptors, limit]

  // The first of them is asked first, and looks for all.
  Object.assign(connections, { collect: () => look() })

  function look(): void {
    for (const each of all) each.reset()
    const listeners = diag.list([TCP_LISTEN])
    const owners = ownersOf(listeners.map(({ inode }) => inode))
    for (const { localPort, receiveQueue, sendQueue } of listeners) {
      queue.inc({ port: localPort }, receiveQueue)
      backlog.inc({ port: localPort }, sendQueue)
    }
    for (const { pid, name, descriptors: used, limit: most } of new Set(owners.processes)) {
      descriptors.set({ pid, process: name }, used)
      limit.set({ pid, process: name }, most)
    }
    const ports = new Set(listeners.map(({ localPort }) => localPort))
    const oldest = new Map<string, number>()
    for (const { localPort, inode, state, info, receiveQueue, sendQueue } of diag.list([
      TCP_ESTABLISHED,
      TCP_CLOSE_WAIT,
    ])) {
      if (!ports.has(localPort) || info === null || inode === 0) continue
      const at = { port: localPort, process: owners.nameOf(inode) }
      const { kind, quietMs } = judge({ state, info, receiveQueue, sendQueue })
      connections.inc({ ...at, kind })
      if (kind !== 'idle') continue
      for (const seconds of ages) if (quietMs >= seconds * 1_000) idle.inc({ ...at, seconds })
      const key = `${at.port} ${at.process}`
      oldest.set(key, Math.max(oldest.get(key) ?? 0, quietMs))
      longest.set(at, (oldest.get(key) ?? 0) / 1_000)
    }
  }
  return registry
}

interface Owners {
  readonly processes: readonly Process[]
  nameOf(inode: number): string
}

/** Who holds these listeners, of those that may be looked into. */
function ownersOf(listeners: readonly number[]): Owners {
  const processes = holdersOf(new Set(listeners))
    .map(readProcess)
    .filter((process) => process !== null)
  return {
    processes,
    nameOf: (inode) => processes.find(({ sockets }) => sockets.has(inode))?.name ?? unknown,
  }
}
