/**
 * A known difference of one engine: data, with its reason and where that is written. It turns red
 * when it is gone.
 */
import type { Transport } from './case.ts'
import type { Start } from './columns.ts'

export interface Deviation {
  readonly cases: readonly string[]
  readonly starts?: readonly Start[]
  readonly over?: readonly Transport[]
  readonly what: string
  readonly see: string
  /** Not at each time or place: red only when it is seen nowhere. */
  readonly sometimes?: true
}

export function deviationOf(
  at: { readonly case: string; readonly start: Start; readonly over: Transport },
  deviations: readonly Deviation[],
): Deviation | undefined {
  return deviations.find(
    ({ cases, starts, over }) =>
      cases.includes(at.case) && (starts?.includes(at.start) ?? true) && (over?.includes(at.over) ?? true),
  )
}
