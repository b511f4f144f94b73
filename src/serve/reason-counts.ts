/** Why requests and connections were ended, counted where the runtime shows no connections. */
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'
import type { ReasonLog } from './prepare.ts'

export class ReasonCounts {
  /** By the option that said so. */
  readonly hungUp: Record<string, number> = {}
  readonly #log: Pick<ReasonLog, 'note'>

  constructor(log: Pick<ReasonLog, 'note'>) {
    this.#log = log
  }

  count(reason: ReasonName): void {
    const { option } = reasons[reason]
    this.hungUp[option] = (this.hungUp[option] ?? 0) + 1
    this.#log.note(reason)
  }
}
