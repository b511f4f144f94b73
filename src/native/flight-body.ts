/** The body of a request that the ledger watches. */
import type { Flight } from './flights.ts'
import { type BodyContext, RequestBody } from './request-body.ts'

export interface FlightBodyContext<Call> extends BodyContext {
  readonly onTooLarge: (flight: Flight<Call>) => void
}

export class FlightBody<Call> extends RequestBody {
  readonly #flight: Flight<Call>
  readonly #context: FlightBodyContext<Call>

  constructor(flight: Flight<Call>, announced: number | null, context: FlightBodyContext<Call>) {
    super(flight.request, announced, context)
    this.#flight = flight
    this.#context = context
  }

  protected override foundTooLarge(): void {
    this.#context.onTooLarge(this.#flight)
  }
}
