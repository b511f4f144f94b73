/**
 * What an access log is made of: each response that is out, and each connection's end with its
 * cause. Nothing of it is made while nobody listens.
 */
import type { ServerClock } from '../lifecycle/clock.ts'
import { peerText } from '../lifecycle/description.ts'
import type { Ended } from './flight-recorder.ts'

/** A response that is out. */
export interface Answered {
  /**
   * The connection's number, the same as in its end; null where the runtime's own server does not
   * tell.
   */
  readonly connection: number | null
  /** Address and port; on a Unix socket, which has neither, `unix`. */
  readonly peer: string
  readonly method: string
  /** As the client wrote it, with its query, which may hold secrets. */
  readonly target: string
  /** `HTTP/1.1`; null where the runtime's own server does not tell. */
  readonly protocol: string | null
  readonly status: number
  /** Of the response with its head; null where it can't be told. */
  readonly bytes: number | null
  /**
   * From the request's head to the end of the response; of a runtime's own server, to its
   * beginning.
   */
  readonly ms: number
  /** A field of the request; null: it has none. Only during the call. */
  header(name: string): string | null
}

/** A connection has ended, and who ended it and why. */
export interface EndEntry extends Omit<Ended, 'route'> {
  readonly kind: 'end'
  /**
   * Method and path of a request that got no response, or not all of it; null: none, or not known.
   */
  readonly unanswered: string | null
}

export interface RequestEntry extends Answered {
  readonly kind: 'request'
  /** Ms since 1970. */
  readonly at: number
}

export type AccessEntry = RequestEntry | EndEntry

/** The address that a runtime's own server tells; null: none, or not any more. */
type PeerOf<Call> = (request: Request, call: Call) => { readonly host: string; readonly port: number } | null

export class AccessFeed {
  readonly #tell: (entry: AccessEntry) => void
  readonly #clock: Pick<ServerClock, 'now' | 'date'>
  readonly #failed: (error: unknown) => void

  /** `failed`: told of what `tell` throws, which costs no client anything. */
  constructor(
    tell: (entry: AccessEntry) => void,
    clock: Pick<ServerClock, 'now' | 'date'>,
    failed: (error: unknown) => void,
  ) {
    this.#tell = tell
    this.#clock = clock
    this.#failed = failed
  }

  answered(request: Answered): void {
    this.#say({ kind: 'request', at: this.#clock.date(), ...request })
  }

  ended({ route, ...ended }: Ended, owesAnswer: boolean): void {
    this.#say({ kind: 'end', ...ended, unanswered: owesAnswer ? route : null })
  }

  /**
   * The requests of a runtime's own server, which does not tell when a response is out: until it is
   * there.
   */
  ofHandler<Call>(
    handler: (request: Request, call: Call) => Response | Promise<Response>,
    peerOf: PeerOf<Call>,
  ): (request: Request, call: Call) => Response | Promise<Response> {
    const { now } = this.#clock
    return (request, call) => {
      const from = now()
      const { host, port } = peerOf(request, call) ?? {}
      const { method, url, headers } = request
      const answered = (response: Response): Response => {
        this.answered({
          connection: null,
          peer: peerText(host, port),
          method,
          target: url.slice(url.indexOf('/', url.indexOf('://') + 3)),
          protocol: null,
          // Bun's own upgrade leaves none.
          status: (response as Response | undefined)?.status ?? 101,
          bytes: null,
          ms: now() - from,
          header: (name) => headers.get(name),
        })
        return response
      }
      const returned = handler(request, call)
      return returned instanceof Promise ? returned.then(answered) : answered(returned)
    }
  }

  #say(entry: AccessEntry): void {
    try {
      this.#tell(entry)
    } catch (error) {
      this.#failed(error)
    }
  }
}
