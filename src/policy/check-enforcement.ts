/** Refuses a set limit that nobody enforces on the engine that was chosen. */
import { type Enforcement, isUnheld } from './enforcement.ts'
import { type OptionName, optionNames, optionSpecs } from './policy.ts'
import { ConfigError, type Problem, problem } from './problems.ts'
import { isSet, type Resolved } from './resolve.ts'
import { format } from './units.ts'

const shown = (option: OptionName, value: number) => format(optionSpecs[option].kind, value)

/**
 * Throws a `ConfigError` that names them all. What is enforced but coarsely comes back as one
 * warning line.
 */
export function checkEnforcement(
  { policy, origins, nameOf }: Resolved,
  enforcement: Enforcement,
  runtime: string,
): { warnings: string[] } {
  const problems: Problem[] = []
  const coarse: string[] = []
  for (const option of optionNames) {
    if (!isSet(origins[option])) continue
    const enforced = enforcement[option]
    const value = policy[option]
    const { by, max, fixed, how } = enforced
    // The platform's own limits hold whatever is set here, also where that is off.
    if (by === 'platform' || isUnheld(enforced, value)) {
      const held = fixed === undefined ? max && `at most ${shown(option, max)}` : `only ${shown(option, fixed)}`
      const holdable = by === 'us' || by === 'runtime' ? held : undefined
      const why =
        by === 'platform' ? 'it is the platform’s to set' : holdable ? `${held} is enforced` : 'nothing enforces it'
      const fixes = [
        ...(holdable ? [holdable] : []),
        ...(by !== 'platform' && optionSpecs[option].off ? ['off'] : []),
        'leaving it unset',
        'a runtime that enforces it',
      ]
      problems.push(problem(nameOf(option), shown(option, value), `on ${runtime} ${why} (${how})`, fixes.join(', or ')))
    } else if (value !== 0 && enforced.stepMs > 0) {
      coarse.push(`${nameOf(option)} ${shown(option, value)} (up to ${format('duration', enforced.stepMs)} late)`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    warnings: coarse.length === 0 ? [] : [`enforced only coarsely on ${runtime}: ${coarse.join(', ')}`],
  }
}
