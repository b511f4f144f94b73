/** What the page is made of. */
import type { Administered } from '../routes.ts'
import type { Moment } from './history.ts'

/** At one moment. */
export interface Seen {
  readonly server: Administered
  readonly moments: readonly Moment[]
  readonly now: number
}
