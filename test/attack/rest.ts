/** What is left of clients that have gone. */
import { setTimeout as delay } from 'node:timers/promises'
import { residentBytesOf, socketsOf } from '../lib/sockets.ts'
import type { Layer } from './layers.ts'
import { refusalOf, type Target } from './targets.ts'

/** Sockets of a process to which nobody is connected, once it has served somebody. */
export async function socketsAtRest(target: Target, layers: readonly Layer[]): Promise<number> {
  for (const layer of layers) await refusalOf(target, layer)
  let least = socketsOf(target.pid)
  // What it keeps for a moment, to something behind it for instance, is not what it keeps.
  for (let i = 0; i < 30 && (i < 15 || (await target.open()) !== 0); i++) {
    await delay(50)
    least = Math.min(least, socketsOf(target.pid))
  }
  return least
}

/** What is wrong `withinMs` after an attack, in words, or nothing. */
export async function faultsAfter(
  target: Target,
  layers: readonly Layer[],
  before: number,
  withinMs: number,
): Promise<readonly string[]> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const faults: string[] = []
    const open = await target.open()
    const sockets = socketsOf(target.pid)
    if (open > 0) faults.push(`${open} connections are open`)
    if (sockets > before) faults.push(`${sockets - before} sockets are left`)
    if (faults.length === 0 || performance.now() > deadline) {
      const refusals = await Promise.all(layers.map((layer) => refusalOf(target, layer)))
      return [...faults, ...refusals.filter(Boolean)]
    }
    await delay(50)
  }
}

/** Its memory in this moment, in MB. */
export const residentMb = ({ pid }: Target): number => residentBytesOf(pid) / 2 ** 20
