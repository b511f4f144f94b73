/**
 * Whether a target may be tested, and the addresses that are connected to: those that were checked.
 */

import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { Coded } from '../../policy/codes.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'

/** RFC 1122 3.2.1.3 (g), RFC 4291 2.5.3 and 2.5.5.2. */
const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopback(ip: string): boolean {
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return loopback.check(mapped, 'ipv4')
  const family = isIP(ip)
  return family !== 0 && loopback.check(ip, family === 6 ? 'ipv6' : 'ipv4')
}

type Lookup = (host: string) => Promise<readonly string[]>

const byDns: Lookup = async (host) => (await lookup(host, { all: true })).map(({ address }) => address)

/**
 * The addresses of a host, after a look at all that it has: one that is not this machine is enough
 * to be refused unless the user has said `mayTest`. A name that means something else at the next
 * look changes nothing, because nobody looks again.
 */
export async function destination(
  host: string,
  mayTest: boolean,
  resolve: Lookup = byDns,
  nameOf: (option: string) => string = flagOf,
): Promise<readonly string[]> {
  let ips: readonly string[]
  try {
    ips = isIP(host) === 0 ? await resolve(host) : [host]
  } catch (error) {
    throw new UnreachableError(
      `the name ${host} does not resolve (${(error as NodeJS.ErrnoException).code ?? error})`,
      error,
    )
  }
  if (ips.length === 0) throw new UnreachableError(`the name ${host} has no address`)
  const foreign = ips.find((ip) => !isLoopback(ip))
  if (foreign !== undefined && !mayTest) {
    const why = `${foreign === host ? 'it' : foreign} is not this machine, and a probe holds connections open and sends malformed requests; if its owner agrees, add ${nameOf('iMayTestThisHost')}`
    throw new ConfigError([problem('<url>', host, why, 'a loopback address')])
  }
  return ips
}

/** There is no server to ask. */
export class UnreachableError extends Error implements Coded {
  override readonly name = 'UnreachableError'
  readonly code = 'PROBE_UNREACHABLE'
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
  }
}
