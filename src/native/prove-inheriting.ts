/**
 * Whether a runtime’s own server takes an inherited socket, found out on one that nobody else
 * knows.
 */
import { InheritedListener } from '../kernel/inherited-listener.ts'
import { openKernel } from '../kernel/kernel.ts'
import type { Address } from '../kernel/layout.ts'
import type { Libc } from '../kernel/libc.ts'
import { openTcpListener } from '../kernel/open-listener.ts'

/** A server of the runtime's that answers whatever it is asked with `said`. */
export interface BareServer {
  readonly at: Address
  stop(): void
}

export const said = 'inherited'
const withinMs = 2_000

/** Null: it does. Else why it does not. */
export async function inheritingProblem(libc: Libc, serve: () => BareServer): Promise<string | null> {
  const kernel = openKernel(libc)
  const scratch = openTcpListener(libc, { host: '127.0.0.1', port: 0 })
  const { port } = kernel.local(scratch.fd)!
  let server: BareServer | null = null
  let listener: InheritedListener | null = null
  try {
    server = serve()
    listener = new InheritedListener(libc, kernel, scratch.fd)
    listener.takePlaceOf(server.at)
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(withinMs),
    })
    return (await response.text()) === said ? null : 'another server answered on the socket that it was given'
  } catch (error) {
    return (error as Error).message
  } finally {
    if (listener === null) scratch.close()
    listener?.release()
    server?.stop()
    kernel.close()
  }
}
