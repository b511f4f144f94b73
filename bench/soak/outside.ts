/** What is seen of a server from outside, and whether it is back to where it was. */
import { readdirSync, readFileSync } from 'node:fs'
import { residentBytes } from '../process.ts'
import { median } from '../statistics.ts'

export interface Seen {
  readonly descriptors: number
  /** Of its port, in any state but listening and TIME-WAIT, which the kernel alone keeps. */
  readonly sockets: number
  readonly bytes: number
}

export function look(pid: number, port: number): Seen {
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    sockets: socketsOf(port, readFileSync('/proc/net/tcp', 'utf8')),
    bytes: residentBytes(pid),
  }
}

const states = { timeWait: '06', listen: '0A' }

/** In `/proc/net/tcp`: local address and port, remote, state; hexadecimal. */
export function socketsOf(port: number, table: string): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, at = '', , state = '']) => at.endsWith(local) && state !== states.listen && state !== states.timeWait)
    .length
}

/**
 * Resident size under traffic, from the first third to the last: what a collection has just freed,
 * or is about to, evens out. Null: too few samples to tell.
 */
export function thirds(samples: readonly number[]): readonly [first: number, last: number] | null {
  const third = Math.floor(samples.length / 3)
  return third < 3 ? null : [median(samples.slice(0, third)), median(samples.slice(-third))]
}

/** JavaScript's own memory breathes by so much. */
const breath = { share: 1.15, bytes: 8 * 2 ** 20 }

export interface Outcome {
  readonly before: Seen
  readonly after: Seen
  readonly lost: number
  /** Lines of the log that tell of an error of ours or the application's. */
  readonly errors: number
  /** How it ended before it was to, or null. */
  readonly ended: string | null
}

/** What is wrong; nothing, if all is as it was. */
export function wrongOf({ before, after, lost, errors, ended }: Outcome): string[] {
  const wrong: string[] = []
  if (ended !== null) wrong.push(`ended: ${ended}`)
  if (lost > 0) wrong.push(`${lost} lost`)
  if (errors > 0) wrong.push(`${errors} errors in its log`)
  if (after.descriptors > before.descriptors) {
    wrong.push(`${after.descriptors - before.descriptors} descriptors more than before`)
  }
  if (after.sockets > 0) wrong.push(`${after.sockets} sockets are left`)
  if (after.bytes > before.bytes * breath.share + breath.bytes) {
    wrong.push(`${((after.bytes - before.bytes) / 2 ** 20).toFixed(0)} MB more than before`)
  }
  return wrong
}
