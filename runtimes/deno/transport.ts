/**
 * The hangup engine's sockets on Deno: those of `node:net` on TCP, and listeners that outlive a
 * want of descriptors.
 */
import type { AddressInfo, Server } from 'node:net'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { emptySnapshot, TCP_LISTEN } from '../../src/kernel/layout.ts'
import type { Listen } from '../../src/net/transport.ts'
import { probes } from '../../src/policy/held-by.ts'
import { listenOn, type OpenServer, openNetServer } from '../node/transport.ts'
import { processKernel } from './descriptors.ts'
import { keepFromChildren } from './inheritable.ts'

/** Whoever waits to be accepted when a descriptor is free again waits so much longer, at most. */
const againMs = 50
/** As `node:net` itself asks for. */
const backlog = 511

interface ListenHandle {
  listen(backlog: number): number
}

/**
 * When accepting fails for want of a descriptor, Deno ends its accept loop and tells nobody
 * (2.9.6). Those that wait stay in the kernel's queue, and to listen again on the same handle,
 * which for the kernel changes nothing (listen(2) on a socket that listens), begins the loop anew;
 * with a loop that runs it does nothing.
 */
function keepAccepting(server: Server): void {
  const timer = setInterval(() => {
    const { _handle: handle } = server as Server & { readonly _handle?: ListenHandle | null }
    if (handle) handle.listen(backlog)
    else clearInterval(timer)
  }, againMs)
  timer.unref()
}

/** Inherited by whatever is accepted (see `Kernel.keepAlive`). */
function probeFrom(kernel: Kernel, port: number, afterMs: number): void {
  const snapshot = emptySnapshot()
  for (const fd of kernel.list()) {
    if (!kernel.look(fd, snapshot) || snapshot.state !== TCP_LISTEN || kernel.local(fd)?.port !== port) continue
    kernel.keepAlive(fd, { afterMs, ...probes, userTimeoutMs: 0 })
  }
}

const open: OpenServer = async (at, plain, onSocket) => {
  if (at.fd !== undefined) keepFromChildren(at.fd)
  if (at.unix !== undefined && at.fd === undefined) {
    const { listenUnix } = await import('./unix-socket.ts')
    return listenUnix(at.unix, againMs, onSocket)
  }
  return openNetServer(at, plain, onSocket, (server) => {
    keepAccepting(server)
    const { peerProbeMs = 0 } = at
    const kernel = peerProbeMs > 0 && at.unix === undefined ? processKernel() : null
    if (kernel !== null) probeFrom(kernel, (server.address() as AddressInfo).port, peerProbeMs)
  })
}

export const listen: Listen = (at, accept) => listenOn(at, accept, open)
