/** A request whose application may take the connection instead of answering. */
import type { ServerResponse } from 'node:http'
import { Exchange, type ExchangeParts } from './exchange.ts'
import type { HeldIncoming } from './held-incoming.ts'
import type { Http1Connection } from './http1-connection.ts'
import type { WebSocketOffer } from './upgrade.ts'

export class UpgradeExchange extends Exchange {
  readonly #outgoing: ServerResponse
  readonly #connection: Http1Connection
  readonly #offer: WebSocketOffer

  constructor(
    parts: ExchangeParts,
    incoming: HeldIncoming,
    outgoing: ServerResponse,
    connection: Http1Connection,
    offer: WebSocketOffer,
  ) {
    super(parts, incoming, outgoing, null, connection)
    this.#outgoing = outgoing
    this.#connection = connection
    this.#offer = offer
  }

  protected override get env(): object {
    return this.#offer.env
  }

  protected override answer(response: Response): void {
    const { socket } = this.#outgoing
    if (!this.#offer.taken) this.write(response)
    else if (socket === null || socket.destroyed || !this.#connection.upgrade()) this.#offer.withdraw()
    else {
      this.#outgoing.detachSocket(socket)
      this.#offer.open(socket, response, this.longLived)
    }
  }
}
