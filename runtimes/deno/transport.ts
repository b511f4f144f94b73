/** The hangup engine's sockets on Deno: those of `node:net`, and a listener that outlives a want of descriptors. */
import type { Server } from 'node:net'
import type { Listen } from '../../src/http1/transport.ts'
import { listenOn } from '../node/transport.ts'

/** Whoever waits to be accepted when a descriptor is free again waits so much longer, at most. */
const againMs = 50
/** As `node:net` itself asks for. */
const backlog = 511

interface ListenHandle {
  listen(backlog: number): number
}

/**
 * When accepting fails for want of a descriptor, Deno ends its accept loop and tells nobody (2.9.5). Those that wait stay in
 * the kernel's queue, and to listen again on the same handle, which for the kernel changes nothing (listen(2) on a socket
 * that listens), begins the loop anew; with a loop that runs it does nothing.
 */
function keepAccepting(server: Server): void {
  const timer = setInterval(() => {
    const { _handle: handle } = server as Server & { readonly _handle?: ListenHandle | null }
    if (handle) handle.listen(backlog)
    else clearInterval(timer)
  }, againMs)
  timer.unref()
}

export const listen: Listen = (at, accept) => listenOn(at, accept, keepAccepting)
