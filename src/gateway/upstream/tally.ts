/** What became of the requests that one upstream was asked, counted. */
import { Histogram } from '../../observe/histogram.ts'
import type { FailureName } from '../errors.ts'

/** OpenTelemetry's bounds for `http.client.request.duration`, in seconds, and two for slow ones. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60]

export class Tally {
  /** From the choice of the upstream to the head of its response. */
  readonly answers = new Histogram(bounds)
  readonly failures: Partial<Record<FailureName, number>> = {}

  answered(ms: number): void {
    this.answers.add(ms / 1_000)
  }

  failed(failure: FailureName): void {
    this.failures[failure] = (this.failures[failure] ?? 0) + 1
  }
}
