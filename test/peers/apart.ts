/**
 * Probes one variant of one peer, for `scripts/peers.ts`, and sends the report to it. SIGTERM ends
 * it with nothing.
 */
import process from 'node:process'
import { ask } from './ask.ts'
import { peers } from './index.ts'
import type { Places } from './start.ts'

export interface Question {
  readonly peer: string
  readonly variant: string
  readonly version: string
  readonly places: Omit<Places, 'port'>
  readonly limitMs: number
}

if (import.meta.main) {
  const { peer: peerName, variant: variantName, version, places, limitMs }: Question = JSON.parse(process.argv[2] ?? '')
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort())
  const peer = peers.find(({ name }) => name === peerName)
  const variant = peer?.variants.find(({ name }) => name === variantName)
  if (!peer || !variant) throw new Error(`there is no ${peerName}, ${variantName}`)
  try {
    const report = await ask({ peer, variant, version }, places, limitMs, stopping.signal)
    await new Promise((resolve) => process.send?.(report, resolve))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
  process.disconnect()
}
