/** What the application's read of a refused request body fails with: the same on every engine. */
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'
import type { Coded } from '../policy/codes.ts'

/** Which limit was broken, or that the message was. */
export type BodyRefusal = ReasonName | 'malformed'

export interface BodyRefusedOptions {
  /** Default: what the reason says. */
  readonly status?: number
  /** Default: the status. */
  readonly why?: string
  /** `false`: over HTTP/2, which knows no `Connection: close`. */
  readonly closes?: boolean
}

export const statusOf = (reason: BodyRefusal): number => (reason === 'malformed' ? null : reasons[reason].status) ?? 400

export class BodyRefusedError extends Error implements Coded {
  override readonly name = 'BodyRefusedError'
  readonly code = 'BODY_REFUSED'
  readonly reason: BodyRefusal
  /** What the client is answered. */
  readonly status: number
  readonly #closes: boolean

  constructor(reason: BodyRefusal, { status = statusOf(reason), why, closes = true }: BodyRefusedOptions = {}) {
    super(`the request body was refused: ${why ?? `${status} (${reason})`}`)
    this.reason = reason
    this.status = status
    this.#closes = closes
  }

  /** Hono answers an error that has this with what it gives. */
  getResponse(): Response {
    return new Response(null, { status: this.status, ...(this.#closes && { headers: { connection: 'close' } }) })
  }
}
