/**
 * One limit as data: its value is read, refused, shown and explained from here, whether it stands
 * in code, in a flag or in a file.
 */
import { accepted, isOfWords, type Kind, longestMs, parse, words } from './units.ts'

/** What is known about an option beside its value. */
export interface OptionSpec {
  readonly kind: Kind
  /**
   * In the unit that the name carries; 0 is off. `'derived'`: follows from another option, see
   * `derive`.
   */
  readonly default: number | 'derived'
  /** Whether 0 (`off`) is accepted. */
  readonly off: boolean
  /** The limit in one sentence. */
  readonly what: string
  /** What sets its clock back. */
  readonly resets: string
  /** What the client sees when it runs out. */
  readonly peerSees: string
  /** Why the default is what it is. */
  readonly why: string
  /** Where that comes from. */
  readonly source: string
}

/** A number in the unit of the name, or text with a unit. */
export type Amount = number | string

/** A limit of the connection policy. */
export interface LimitSpec extends OptionSpec {
  readonly kind: Exclude<Kind, 'percent'>
}

/** Why a number is not one that this option takes, or null. */
function refusal({ kind, off }: OptionSpec, value: number): string | null {
  if (!Number.isSafeInteger(value)) return `${value} is not a whole number`
  if (isOfWords(kind) && words[kind][value] === undefined) return `${value} is not a choice`
  if (value < 0) return `${value} is negative`
  if (value === 0 && !off) return 'it cannot be switched off'
  if (kind === 'duration' && value > longestMs) return `${value} ms is longer than a timer can hold (24 days)`
  if (kind === 'percent' && value > 100) return `${value} is more than all`
  return null
}

/** The value read, or why it is none. */
export function readOption(spec: OptionSpec, given: unknown): { value: number } | { why: string } {
  if (typeof given !== 'number' && typeof given !== 'string') {
    const what = given === null ? 'null' : typeof given === 'object' ? 'an object' : `a ${typeof given}`
    return { why: `${what} is not a value that it takes` }
  }
  const value = typeof given === 'string' ? parse(spec.kind, given) : given
  const why = typeof value === 'string' ? value : refusal(spec, value)
  return typeof value === 'number' && why === null ? { value } : { why: why ?? '' }
}

const numberOf: Partial<Record<Kind, string>> = {
  duration: 'ms',
  bytes: 'bytes',
  rate: 'bytes a second',
  percent: 'percent',
}

/** What an option accepts, as text; `inCode`: also a number in the unit of its name. */
export function acceptedOf({ kind, off }: OptionSpec, inCode: boolean): string {
  if (isOfWords(kind)) return accepted[kind]
  const number = numberOf[kind]
  return `${inCode && number ? `a number of ${number}, ` : ''}${accepted[kind]}${off ? ' or off' : ''}`
}
