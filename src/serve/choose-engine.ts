/** Which engine speaks HTTP: the runtime's own server or ours. The choice is made once, at start-up, and says why. */
import { type Enforcement, isUnheld } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import { isSet, type Resolved } from '../policy/resolve.ts'
import type { EngineChoice, ServeOptions } from './contract.ts'

/** What a native server does wrong whatever the policy says. */
export interface Deviation {
  readonly what: string
  readonly source: string
  /** It loses requests: reason enough for the other engine. */
  readonly losesRequests: boolean
}

export interface NativeEngine {
  /** `node:http`, `Bun.serve`. */
  readonly name: string
  readonly enforcement: Enforcement
  readonly deviations: readonly Deviation[]
}

export interface Chosen {
  readonly engine: 'native' | 'hangup'
  /** For the report. */
  readonly why: string
}

export const engineChoices: readonly EngineChoice[] = ['auto', 'native', 'hangup']

/** The runtime's own server holds no limit here: `why`, and what would help. */
export interface NoNative {
  readonly why: string
}

/** Throws a `ConfigError` for a choice that can't be. */
export function chooseEngine(options: ServeOptions, resolved: Resolved, native: NativeEngine | NoNative): Chosen {
  const { engine: asked = 'auto', unix, proxyProtocol } = options
  if (!engineChoices.includes(asked)) throw refused(asked, 'there is no such engine')
  if (asked === 'native') {
    if (!isEngine(native)) throw refused(asked, native.why)
    if (unix !== undefined) throw refused(asked, 'it does not listen on a Unix socket here')
    if (proxyProtocol !== undefined) throw refused(asked, 'it does not read PROXY protocol')
  }
  if (asked !== 'auto') return { engine: asked, why: 'asked for' }
  if (!isEngine(native)) return { engine: 'hangup', why: native.why }
  if (unix !== undefined) return { engine: 'hangup', why: 'a Unix socket' }
  if (proxyProtocol !== undefined) return { engine: 'hangup', why: 'PROXY protocol' }
  const loss = native.deviations.find(({ losesRequests }) => losesRequests)
  if (loss !== undefined) return { engine: 'hangup', why: `${native.name}: ${loss.what} (${loss.source})` }
  const unheld = optionNames.find((option) => {
    const enforced = native.enforcement[option]
    const value = resolved.policy[option]
    return isUnheld(enforced, value) || (value !== 0 && enforced.stepMs > 0 && isSet(resolved.origins[option]))
  })
  if (unheld !== undefined) return { engine: 'hangup', why: `${native.name} does not hold ${unheld}` }
  return { engine: 'native', why: `${native.name} holds every limit` }
}

const isEngine = (native: NativeEngine | NoNative): native is NativeEngine => 'enforcement' in native

function refused(asked: string, why: string): ConfigError {
  return new ConfigError([
    problem('engine (--engine, HANGUP_ENGINE)', asked, why, 'auto, hangup, or native where the runtime has one'),
  ])
}
