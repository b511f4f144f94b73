/**
 * What a server's processes hold: descriptors, connections by what they do, and what waits to be
 * accepted.
 */

import { TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN } from '../kernel/layout.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { type Trust, textOf } from '../net/networks.ts'
import type { Coded } from '../policy/codes.ts'
import { judge, type Verdict } from './judge.ts'
import { holdersOf, networkOf, type Process, pids, readProcess } from './processes.ts'
import type { SockDiag, TcpSocket } from './sock-diag.ts'

export interface Client {
  readonly socket: TcpSocket
  readonly verdict: Verdict
  /** Null: its process may not be looked into. */
  readonly at: { readonly pid: number; readonly fd: number } | null
  readonly address: string
}

export interface Survey {
  /** Those that may be looked into. */
  readonly processes: readonly Process[]
  readonly ports: readonly number[]
  readonly clients: readonly Client[]
  /** Connections that wait to be accepted, and how many may. */
  readonly acceptQueue: number
  readonly backlog: number
  /** How long the look took. */
  readonly tookMs: number
  /** The user whose processes listen, if none of them may be looked into. */
  readonly hiddenOwner: number | null
}

export interface SurveyOf {
  readonly pid: number | null
  readonly port: number | null
  readonly excludedPorts: readonly number[]
  readonly isExcluded: Trust
}

/** There is nothing to survey; the message is for a person. */
export class SurveyError extends Error implements Coded {
  override readonly name = 'SurveyError'
  readonly code = 'RESCUE_NOTHING'
}

export function survey(diag: SockDiag, { pid, port, excludedPorts, isExcluded }: SurveyOf, clock: Clock): Survey {
  const beganMs = clock.now()
  const all = diag.list([TCP_LISTEN], pid === null ? (port ?? 0) : 0)
  const named = pid === null ? null : processOf(pid)
  const listeners = all.filter(
    ({ inode, localPort }) =>
      (named === null || named.sockets.has(inode)) &&
      (port === null || localPort === port) &&
      !excludedPorts.includes(localPort),
  )
  if (listeners.length === 0) {
    throw new SurveyError(
      pid === null
        ? `nothing listens on port ${port} in this network namespace`
        : `process ${pid} listens on no TCP port${port === null ? '' : ` ${port}`}; Unix sockets are not inspected`,
    )
  }
  const processes = sharing(listeners, named)
  const ports = [...new Set(listeners.map(({ localPort }) => localPort))].sort((a, b) => a - b)
  const places = new Map(
    processes.flatMap(({ pid, sockets }) => [...sockets].map(([inode, fd]) => [inode, { pid, fd }])),
  )
  const clients = ports
    .flatMap((each) => diag.list([TCP_ESTABLISHED, TCP_CLOSE_WAIT], each))
    .flatMap((socket) => clientOf(socket, processes.length === 0 ? null : places, isExcluded))
  return {
    processes,
    ports,
    clients,
    acceptQueue: listeners.reduce((sum, { receiveQueue }) => sum + receiveQueue, 0),
    backlog: listeners.reduce((sum, { sendQueue }) => sum + sendQueue, 0),
    tookMs: clock.now() - beganMs,
    hiddenOwner: processes.length === 0 ? listeners[0]!.uid : null,
  }
}

/** Workers have the listening socket from their parent: all of them count. */
function sharing(listeners: readonly TcpSocket[], named: Process | null): Process[] {
  const holders = holdersOf(new Set(listeners.map(({ inode }) => inode))).filter((pid) => pid !== named?.pid)
  const found = holders.map(readProcess).filter((process) => process !== null)
  return named === null ? found : [named, ...found]
}

function processOf(pid: number): Process {
  const process = readProcess(pid)
  if (process === null) {
    throw new SurveyError(
      pids().includes(pid)
        ? `process ${pid} belongs to another user: run as its owner or as root`
        : `there is no process ${pid}`,
    )
  }
  const ours = networkOf('self')
  if (process.network !== null && process.network !== ours) {
    throw new SurveyError(
      `process ${pid} is in another network namespace: nsenter --target ${pid} --net hangup rescue --pid ${pid}`,
    )
  }
  return process
}

function clientOf(
  socket: TcpSocket,
  places: ReadonlyMap<number, { readonly pid: number; readonly fd: number }> | null,
  isExcluded: Trust,
): Client[] {
  const at = places?.get(socket.inode) ?? null
  // Not accepted yet, or of a process that has another listener on the same port.
  if (socket.info === null || socket.inode === 0 || (places !== null && at === null)) return []
  const address = addressText(socket.remoteAddress)
  if (isExcluded(address)) return []
  const { state, info, receiveQueue, sendQueue } = socket
  return [{ socket, verdict: judge({ state, info, receiveQueue, sendQueue }), at, address }]
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return textOf(bytes, mapped)
}
