/**
 * Which engine speaks HTTP: the runtime's own server or ours. The choice is made once, at start-up,
 * and says why.
 */
import { isUnheld } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import { isSet, type Resolved } from '../policy/resolve.ts'
import type { EngineChoice, ServeOptions } from './contract.ts'
import { unchangeableIn } from './route-limits.ts'
import type { NativeEngine, NoNative } from './runtime.ts'

export interface Chosen {
  readonly engine: 'native' | 'hangup'
  /** For the report. */
  readonly why: string
}

export const engineChoices: readonly EngineChoice[] = ['auto', 'native', 'hangup']

/**
 * Throws a `ConfigError` for a choice that can't be. `inheritingProblem`: why the native server
 * cannot accept on the socket that it would have to.
 */
export function chooseEngine(
  options: ServeOptions,
  resolved: Resolved,
  native: NativeEngine | NoNative,
  inheritingProblem: string | null = null,
): Chosen {
  const { engine: asked = 'auto', unix, proxyProtocol } = options
  if (!engineChoices.includes(asked)) throw refused(asked, 'there is no such engine')
  if (asked === 'native') {
    if (!isNative(native)) throw refused(asked, native.why)
    if (unix !== undefined) throw refused(asked, 'it does not listen on a Unix socket here')
    if (proxyProtocol !== undefined) throw refused(asked, 'it does not read PROXY protocol')
    if (inheritingProblem !== null) throw refused(asked, `it cannot take an inherited socket: ${inheritingProblem}`)
  }
  if (asked !== 'auto') return { engine: asked, why: 'asked for' }
  if (!isNative(native)) return { engine: 'hangup', why: native.why }
  if (unix !== undefined) return { engine: 'hangup', why: 'a Unix socket' }
  if (proxyProtocol !== undefined) return { engine: 'hangup', why: 'PROXY protocol' }
  if (inheritingProblem !== null) {
    return { engine: 'hangup', why: `${native.name} cannot take an inherited socket: ${inheritingProblem}` }
  }
  const loss = native.deviations.find(({ losesRequests }) => losesRequests)
  if (loss !== undefined) return { engine: 'hangup', why: `${native.name}: ${loss.what} (${loss.source})` }
  const unheld = optionNames.find((option) => {
    const enforced = native.enforcement[option]
    const value = resolved.policy[option]
    return isUnheld(enforced, value) || (value !== 0 && enforced.stepMs > 0 && isSet(resolved.origins[option]))
  })
  if (unheld !== undefined) return { engine: 'hangup', why: `${native.name} does not hold ${unheld}` }
  const unchangeable = unchangeableIn(native.enforcement)
  if (unchangeable !== undefined)
    return { engine: 'hangup', why: `${native.name} does not change ${unchangeable} for a route` }
  return { engine: 'native', why: `${native.name} holds every limit` }
}

export const isNative = <Native extends NativeEngine>(native: Native | NoNative): native is Native =>
  'enforcement' in native

function refused(asked: string, why: string): ConfigError {
  return new ConfigError([
    problem('engine (--engine, HANGUP_ENGINE)', asked, why, 'auto, hangup, or native where the runtime has one'),
  ])
}
