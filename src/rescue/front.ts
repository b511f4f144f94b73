/**
 * `hangup rescue --front`: a gateway before a server that runs, for the connections that come from
 * now on; no port and no process changes.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { addressText, parseTcpTable } from '../kernel/tcp-table.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { CAP_NET_ADMIN, CAP_SETGID, isCapable } from './processes.ts'
import { forget, frontOf, hasNft, RedirectError, Redirecting } from './redirect.ts'

/** Nobody's: what it connects to goes past the redirect. */
const gatewayGroup = 48_087

/**
 * The gateway ends with us, however we end: its shell reads a pipe that we hold. Its standard
 * output is the gateway's alone.
 */
const untilStdinEnds = '"$@" </dev/null & pid=$!; exec >&-; cat >/dev/null 2>&1; kill -TERM $pid 2>/dev/null; wait $pid'

/** For connections that were steered to the gateway, and are still to be accepted by it. */
const onTheirWayMs = 500

export interface Front {
  readonly port: number
  readonly directLoopback: boolean
  /** How this command was started, up to the command's name. */
  readonly program: readonly [string, ...string[]]
  /** For `hangup gateway`. */
  readonly gatewayArgs: readonly string[]
  say(line: string): void
  readonly clock: Clock
}

/** Resolves to the exit status, after `stop` has fired or the gateway has ended. */
export async function front(
  { port, directLoopback, program, gatewayArgs, say, clock }: Front,
  stop: AbortSignal,
): Promise<number> {
  refuseWithoutRights()
  const other = frontOf(port)
  if (typeof other === 'number') {
    throw new RedirectError(`process ${other} already fronts port ${port}: --undo ends it`)
  }
  if (other === null) forget(port)
  const host = listenerOf(port)
  if (host === null) throw new RedirectError(`nothing listens on port ${port} in this network namespace`)

  const command = [...program, 'gateway', '--port', '0', '--to', `http://${host}:${port}`, '--report', 'json']
  const gateway = spawn('sh', ['-c', untilStdinEnds, 'sh', ...command, ...gatewayArgs], {
    stdio: ['pipe', 'pipe', 'inherit'],
    gid: gatewayGroup,
    // A process group of its own: Ctrl-C reaches this process alone, which first steers new
    // connections past the gateway.
    detached: true,
  })
  const ended = once(gateway.stdout, 'close')
  const own = await portOf(gateway)
  if (groupOf(gateway.pid) !== gatewayGroup) {
    gateway.stdin.end()
    throw new RedirectError('the gateway could not be started in a group of its own')
  }
  try {
    const redirecting = await Redirecting.begin(
      { from: port, to: own, directGroup: gatewayGroup, directLoopback },
      clock,
    )
    say(`new connections to port ${port} go through a gateway on port ${own} now; Ctrl-C or --undo takes it out again`)
    const stopped = stop.aborted ? null : once(stop, 'abort')
    const first = await Promise.race([ended.then(() => 'ended'), stopped])
    await redirecting.stop()
    if (first !== 'ended') {
      say('taking it out: clients of the gateway are answered first')
      await sleep(onTheirWayMs, clock)
      gateway.stdin.end()
      await ended
    }
    await redirecting.end()
    return first === 'ended' ? 1 : 0
  } finally {
    gateway.stdin.end()
  }
}

/** Ends the front of a port, whoever started it; resolves when it is out. */
export async function undo(port: number, clock: Clock): Promise<string> {
  const pid = frontOf(port)
  if (pid === undefined) return `nothing fronts port ${port}`
  if (pid === null) {
    forget(port)
    return `removed what was left of a front of port ${port}`
  }
  process.kill(pid, 'SIGTERM')
  while (frontOf(port) !== undefined) await sleep(50, clock)
  return `process ${pid} has taken its gateway away from port ${port}`
}

function refuseWithoutRights(): void {
  if (!hasNft()) throw new RedirectError('nft is not installed: install nftables')
  if (!isCapable(CAP_NET_ADMIN) || !isCapable(CAP_SETGID)) {
    throw new RedirectError('redirecting a port needs CAP_NET_ADMIN and CAP_SETGID: run as root')
  }
}

async function portOf(gateway: ChildProcessByStdio<Writable, Readable, null>): Promise<number> {
  const lines = createInterface(gateway.stdout)
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(gateway.stdout, 'close').then(() => {
      throw new RedirectError('the gateway did not start')
    }),
  ])
  const { urls } = JSON.parse(line as string) as { readonly urls: readonly string[] }
  return Number(new URL(urls[0] ?? '').port)
}

function groupOf(pid: number | undefined): number | null {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^Gid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN)
}

/** Where a listener of this port can be reached from here; null: there is none. */
function listenerOf(port: number): string | null {
  for (const file of ['tcp', 'tcp6']) {
    const listener = parseTcpTable(readFileSync(`/proc/net/${file}`, 'utf8')).find(
      ({ state, localPort }) => state === 'LISTEN' && localPort === port,
    )
    if (!listener) continue
    return /^0+$/.test(listener.localAddress) ? '127.0.0.1' : addressText(listener.localAddress)
  }
  return null
}
