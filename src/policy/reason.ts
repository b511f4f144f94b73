/**
 * Why we close a connection, as data: what the peer is told, what an engine does about it, and
 * whether it is worth a line in the log. Each stands in the module of the limit that says so.
 */

/**
 * What an engine does; all but the last are verbs of `Member`.
 * `refuse-body`: the application's read fails and the client gets `status`; without a response in
 * time the connection is ended. `say`: `status` in the application's place, then a lingering close.
 * `linger`: our side is ended; what still comes is read away, so that no RST overtakes the
 * response.
 * `end`: an orderly end of both sides at once. `reset`: RST, because the peer takes nothing.
 * `drop`: it was ended before, and its time to go is over. `report`: it has been answered already;
 * this is only counted and logged.
 */
export type Act = 'refuse-body' | 'say' | 'linger' | 'end' | 'reset' | 'drop' | 'report'

export interface ReasonSpec {
  /** As metrics name it, beside the state: an idle limit is `idle`, `timeout`. */
  readonly label: string
  /** Status sent if no byte of a response is out yet; null: just close. */
  readonly status: 400 | 408 | 413 | 431 | 503 | null
  readonly act: Act
  /** For the log; null: an everyday event that would only fill it. */
  readonly message: string | null
}

/** By name. */
export type Reasons = Readonly<Record<string, ReasonSpec>>
