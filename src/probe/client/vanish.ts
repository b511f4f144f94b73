/**
 * A host that is there and then is not, without FIN or RST: an address of its own on this machine's
 * loopback that is taken away while a connection uses it. What the server still sends goes nowhere,
 * as to a laptop that was shut. Linux, CAP_NET_ADMIN and iproute2; the address is of the range for
 * benchmarks (RFC 2544 appendix C.2.2), which nobody routes.
 */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ip = (args: readonly string[]) => run('ip', args)
/** include/uapi/linux/capability.h */
const capNetAdmin = 12n

/** Whether this process may take a host away. */
export function mayVanish(): boolean {
  try {
    const effective = /^CapEff:\s*([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return effective !== undefined && ((BigInt(`0x${effective}`) >> capNetAdmin) & 1n) === 1n
  } catch {
    return false // Not Linux.
  }
}

/** Our own tests ask for it: a machine that is somebody's is left alone unless they say so. */
export const testsMayVanish = (): boolean => process.env['TEST_VANISHING_CLIENT'] === '1' && mayVanish()

/** What has to be undone, also where the process ends before it comes to that. */
const present = new Set<VanishingHost>()

let hosts = 0

export class VanishingHost {
  readonly address: string
  #left: string[][] = []

  private constructor(address: string) {
    this.address = address
  }

  /** Rejects if the address cannot be had: no iproute2, or a container's rules. */
  static async appear(pid: number): Promise<VanishingHost> {
    hosts += 1
    const host = new VanishingHost(`198.18.${pid % 256}.${hosts % 256}`)
    await ip(['address', 'add', `${host.address}/32`, 'dev', 'lo'])
    if (hosts === 1)
      process.on('exit', () => {
        for (const left of present) left.#forgetNow()
      })
    present.add(host)
    host.#left = [['address', 'del', `${host.address}/32`, 'dev', 'lo']]
    return host
  }

  async vanish(): Promise<void> {
    await ip(['route', 'add', 'blackhole', `${this.address}/32`])
    const address = this.#left
    this.#left = [['route', 'del', 'blackhole', `${this.address}/32`]]
    for (const args of address) await ip(args)
  }

  /** Leaves nothing behind. */
  async forget(): Promise<void> {
    const left = this.#left
    this.#left = []
    for (const args of left) await ip(args).catch(() => {})
    present.delete(this)
  }

  #forgetNow(): void {
    for (const args of this.#left) {
      try {
        execFileSync('ip', args, { stdio: 'ignore' })
      } catch {
        // Gone with its namespace.
      }
    }
  }
}
