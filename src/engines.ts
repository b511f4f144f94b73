/** Which engine speaks HTTP: the runtime's own server or ours. The choice is made once, at start-up, and says why. */
import type { Enforcement } from './enforcement.ts'
import { optionNames } from './policy.ts'
import { problem, SettingsError } from './problems.ts'
import { isSet, type Resolved } from './resolve.ts'
import type { EngineChoice, ServeOptions } from './server.ts'

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

/** `native` null: the runtime has no server of its own that holds a limit. Throws a `SettingsError` for a choice that can't be. */
export function chooseEngine(options: ServeOptions, resolved: Resolved, native: NativeEngine | null): Chosen {
  const { engine: asked = 'auto', unix, proxyProtocol } = options
  if (!engineChoices.includes(asked)) throw refused(asked, 'there is no such engine')
  if (asked === 'native') {
    if (native === null) throw refused(asked, 'the runtime’s own server closes nothing')
    if (unix !== undefined) throw refused(asked, 'it does not listen on a Unix socket here')
    if (proxyProtocol !== undefined) throw refused(asked, 'it does not read PROXY protocol')
  }
  if (asked !== 'auto') return { engine: asked, why: 'asked for' }
  if (native === null) return { engine: 'hangup', why: 'the runtime’s own server closes nothing' }
  if (unix !== undefined) return { engine: 'hangup', why: 'a Unix socket' }
  if (proxyProtocol !== undefined) return { engine: 'hangup', why: 'PROXY protocol' }
  const loss = native.deviations.find(({ losesRequests }) => losesRequests)
  if (loss !== undefined) return { engine: 'hangup', why: `${native.name}: ${loss.what} (${loss.source})` }
  const unheld = optionNames.find((option) => {
    const { by, max, stepMs } = native.enforcement[option]
    const value = resolved.policy[option]
    return (
      value !== 0 &&
      (by === 'nobody' || (max !== undefined && value > max) || (stepMs > 0 && isSet(resolved.origins[option])))
    )
  })
  if (unheld !== undefined) return { engine: 'hangup', why: `${native.name} does not hold ${unheld}` }
  return { engine: 'native', why: `${native.name} holds every limit` }
}

function refused(asked: string, why: string): SettingsError {
  return new SettingsError([
    problem('engine (--engine, HANGUP_ENGINE)', asked, why, 'auto, hangup, or native where the runtime has one'),
  ])
}
