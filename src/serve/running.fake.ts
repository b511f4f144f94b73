/** A server that listens on nothing, for whoever is given one. */

import { backgroundClock } from '../lifecycle/clock.ts'
import { Observer } from '../observe/observer.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { Policy } from '../policy/policy.ts'
import type { Running } from './contract.ts'
import { emptySummary } from './summary.ts'

export interface RunningFake {
  readonly port: number | undefined
  readonly policy: Policy
  readonly enforcement: Enforcement
  readonly engine?: string
}

export function runningFake({ port = 3000, policy, enforcement, engine = 'none' }: RunningFake): Running {
  const url = `http://127.0.0.1:${port}/`
  const nothingCut = async () => ({ cut: 0 })
  return {
    url,
    address: { url, family: 'IPv4', host: '127.0.0.1', port, path: null },
    engine,
    engineWhy: 'asked for',
    policy,
    enforcement,
    phase: 'serving',
    observer: new Observer(backgroundClock),
    admin: null,
    connections: () => emptySummary,
    drain: nothingCut,
    kill: nothingCut,
    close: nothingCut,
    closed: new Promise(() => {}),
    async [Symbol.asyncDispose]() {},
  }
}
