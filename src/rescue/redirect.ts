/**
 * New connections of a port, steered to another: a table of nftables of our own. It belongs to the
 * `nft` that made it (`flags owner`, Linux 5.12) and goes with it, so that nothing stays behind
 * however we end. Connections that are there keep going.
 */

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { isAlive } from '../kernel/process.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import type { Coded } from '../policy/codes.ts'

/** It can't be redirected; the message is for a person. */
export class RedirectError extends Error implements Coded {
  override readonly name = 'RedirectError'
  readonly code = 'RESCUE_REDIRECT'
}

export interface Redirect {
  readonly from: number
  readonly to: number
  /** The group whose own connections are not redirected. */
  readonly directGroup: number
  /** Clients of this machine are not redirected. */
  readonly directLoopback: boolean
}

const tableOf = (port: number): string => `hangup_front_${port}`

/**
 * Only a SYN is redirected: a connection that was there before conntrack looks new to it, and would
 * be torn apart. The rules stand apart from the chains, because a NAT that was set up goes on only
 * as long as the chains are there.
 */
function commands({ from, to, directGroup, directLoopback }: Redirect): string[] {
  const table = `inet ${tableOf(from)}`
  const match = `fib daddr type local tcp dport ${from} tcp flags & (fin|syn|rst|ack) == syn redirect to :${to}`
  return [
    `add table ${table} { flags owner; comment "pid ${process.pid}"; }`,
    `add chain ${table} output { type nat hook output priority -100; }`,
    `add chain ${table} prerouting { type nat hook prerouting priority -100; }`,
    `add rule ${table} output meta skgid ${directGroup} return`,
    ...(directLoopback ? [] : [`add rule ${table} output ${match}`]),
    `add rule ${table} prerouting ${match}`,
  ]
}

const readyWithinMs = 5_000

export class Redirecting {
  readonly #redirect: Redirect
  readonly #nft: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #clock: Clock
  #errors = ''

  /** Resolves when new connections go the new way. */
  static async begin(redirect: Redirect, clock: Clock): Promise<Redirecting> {
    const redirecting = new Redirecting(redirect, clock)
    try {
      await redirecting.#run(commands(redirect))
      return redirecting
    } catch (error) {
      await redirecting.end()
      throw error
    }
  }

  private constructor(redirect: Redirect, clock: Clock) {
    this.#clock = clock
    this.#redirect = redirect
    // A process group of its own: Ctrl-C reaches this process alone, which first lets redirected
    // connections finish.
    this.#nft = spawn('nft', ['-i'], { stdio: 'pipe', detached: true })
    this.#nft.on('error', () => {})
    this.#nft.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
  }

  /** New connections go to the server itself again; those that came this way go on. */
  async stop(): Promise<void> {
    const table = `inet ${tableOf(this.#redirect.from)}`
    await this.#run([`flush chain ${table} output`, `flush chain ${table} prerouting`])
  }

  /** Nothing is left, and connections that still go this way are cut. */
  async end(): Promise<void> {
    if (this.#nft.exitCode !== null || this.#nft.pid === undefined) return
    const exited = once(this.#nft, 'exit')
    this.#nft.stdin.end()
    await exited
  }

  /** `nft -i` says nothing of what went well: it is asked for something that it prints. */
  async #run(lines: readonly string[]): Promise<void> {
    const { stdin, stdout } = this.#nft
    let said = ''
    const hear = (text: Buffer) => {
      said += text
    }
    stdout.on('data', hear)
    const mark = `table inet ${tableOf(this.#redirect.from)}`
    stdin.write(`${[...lines, `list ${mark}`].join('\n')}\n`)
    const untilMs = this.#clock.now() + readyWithinMs
    while (!said.includes(mark)) {
      if (this.#errors !== '' || this.#nft.exitCode !== null || this.#clock.now() > untilMs) {
        throw new RedirectError(`nft refused: ${this.#errors.split('\n')[0] || 'no message'}`)
      }
      await sleep(10, this.#clock)
    }
    stdout.off('data', hear)
  }
}

/** Who has redirected a port: a process, null where it is gone; undefined: nobody has. */
export function frontOf(port: number): number | null | undefined {
  const text = nft('list', 'table', 'inet', tableOf(port))
  if (text === null) return undefined
  const pid = Number(/comment "pid (\d+)"/.exec(text)?.[1])
  return isAlive(pid) ? pid : null
}

export function forget(port: number): void {
  nft('delete', 'table', 'inet', tableOf(port))
}

export const hasNft = (): boolean => nft('--version') !== null

function nft(...args: readonly string[]): string | null {
  try {
    return execFileSync('nft', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return null
  }
}
