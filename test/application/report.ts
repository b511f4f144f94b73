/** What a run of the suite came to, for the docs: small enough to keep. */
import { chapters } from './cases/index.ts'
import type { EngineName } from './columns.ts'
import { type Cell, isRed } from './suite.ts'

export interface ApplicationReport {
  readonly startedAt: string
  /** With its version. */
  readonly engines: readonly { readonly name: EngineName; readonly version: string }[]
  readonly chapters: readonly {
    readonly title: string
    readonly cases: readonly {
      readonly id: string
      readonly title: string
      /** By engine; one that is not named does not run it. */
      readonly on: Readonly<Partial<Record<EngineName, Outcome>>>
    }[]
  }[]
}

export interface Outcome {
  /** Places: a way of starting, over a transport. */
  readonly passed: number
  /** Where it is a known deviation, and why. */
  readonly deviates?: readonly string[]
  readonly reason?: string
  /** Where it failed, which nobody knew of. */
  readonly red?: readonly string[]
}

const placeOf = ({ start, over }: Cell): string => `${start} ${over}`

export function reportOf(
  cells: readonly Cell[],
  run: Pick<ApplicationReport, 'startedAt' | 'engines'>,
): ApplicationReport {
  const outcome = (id: string, name: EngineName): Outcome | undefined => {
    const own = cells.filter((cell) => cell.case === id && cell.engine === name)
    if (own.length === 0) return undefined
    const known = own.filter(({ verdict }) => verdict === 'deviation')
    const red = own.filter(isRed)
    return {
      passed: own.length - known.length - red.length,
      ...(known.length > 0 && { deviates: known.map(placeOf), reason: known[0]!.reason ?? '' }),
      ...(red.length > 0 && { red: red.map(placeOf) }),
    }
  }
  return {
    ...run,
    chapters: chapters.map(({ title, cases }) => ({
      title,
      cases: cases.map(({ id, title }) => ({
        id,
        title,
        on: Object.fromEntries(
          run.engines.flatMap(({ name }) => {
            const seen = outcome(id, name)
            return seen ? [[name, seen]] : []
          }),
        ),
      })),
    })),
  }
}
