/**
 * The requests of the socket engine: each becomes a Request, goes to the application, and comes
 * back as an answer.
 */
import { copyOf } from '../http1/bytes.ts'
import type { RequestHead } from '../http1/head.ts'
import { IncomingBody } from '../http1/incoming-body.ts'
import { partOf } from '../http1/range.ts'
import { plainAnswer, type ServerConnection } from '../http1/server-connection.ts'
import { NativeResponse } from '../http1/web/native.ts'
import { nativeRequest } from '../http1/web/native-request.ts'
import { beginLending, endLending } from '../http1/web/payload.ts'
import { type HeadLike, WebRequest } from '../http1/web/request.ts'
import { answerOf, fileBody, isStreamed, isWebResponse, type OutgoingResponse } from '../http1/web/response.ts'
import { isAuthority, urlOf } from '../http1/web/url.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import { type Application, unupgraded } from './application.ts'
import type { Bindings, Files, UpgradeOffer } from './runtime.ts'

type RequestBody = Uint8Array | IncomingBody | null

export interface SocketRequestsOptions {
  readonly application: Application
  readonly bindings: Bindings
  readonly secure: boolean
  /** What upgraded connections are ended by. */
  readonly longLived: LongLived
  /** Whether the application gets Requests of our class. */
  readonly webRequests: boolean
}

export class SocketRequests {
  /** Handed to the application since the start. */
  count = 0
  /** For HTTP/1.0 without Host (RFC 9112 3.3). */
  defaultHost = 'localhost'
  readonly #application: Application
  readonly #bindings: Bindings
  readonly #scheme: 'http' | 'https'
  readonly #webRequests: boolean
  readonly #longLived: LongLived

  constructor({ application, bindings, secure, webRequests, longLived }: SocketRequestsOptions) {
    this.#application = application
    this.#bindings = bindings
    this.#scheme = secure ? 'https' : 'http'
    this.#webRequests = webRequests
    this.#longLived = longLived
  }

  ask(connection: ServerConnection, head: RequestHead, body: RequestBody): void {
    const bindings = this.#bindings
    const host = head.host || this.defaultHost
    if (bindings.takes !== undefined && isAuthority(this.#scheme, host) && bindings.takes(connection, head, body)) {
      this.count += 1
      return
    }
    const url = urlOf(this.#scheme, host, head.path)
    if (url === null) {
      connection.answer(plainAnswer(400))
      return
    }
    this.count += 1
    const told = head.minor === 0 && head.get('upgrade') !== null ? withoutUpgrade(head) : head
    const shown = bindings.bodyInEnv === true ? null : body
    const isView = shown instanceof Uint8Array
    if (!this.#webRequests) {
      this.#askFor(connection, head, body, nativeRequest(told, url, isView ? copyOf(shown) : shown))
      return
    }
    const request = new WebRequest(told, url, shown)
    this.#askFor(connection, head, body, request as object as Request)
    if (isView) WebRequest.keepBody(request)
  }

  /** Of `body`, bytes are a view that is valid only during the call. */
  #askFor(connection: ServerConnection, head: RequestHead, body: RequestBody, request: Request): void {
    const bindings = this.#bindings
    connection.asked = request
    if (head.upgrade !== null && bindings.offerUpgrade !== undefined && isWebSocket(head)) {
      this.#askWithUpgrade(connection, head, body, request)
      return
    }
    try {
      const env = bindings.env(connection, head, body)
      if (connection.transport.writeNow !== undefined) beginLending()
      const returned = this.#application.ask(request, env, connection)
      if (returned instanceof Promise) {
        endLending()
        returned.then(
          (late) => this.#respond(connection, head, request, late),
          (error) => this.#fail(connection, request, error),
        )
      } else this.#respond(connection, head, request, returned)
    } catch (error) {
      this.#fail(connection, request, error)
    } finally {
      endLending()
    }
  }

  #respond(connection: ServerConnection, head: RequestHead, request: Request, returned: unknown): void {
    try {
      const { files } = this.#bindings
      if (files !== undefined && head.method === 'GET') {
        this.#respondWithFile(connection, head, request, returned, files)
      } else this.#answer(connection, request, answerOf(this.#application.responseOf(returned, request)))
    } catch (error) {
      this.#fail(connection, request, error)
    }
  }

  #answer(connection: ServerConnection, request: Request, answer: OutgoingResponse): void {
    // Before anything else is asked for, as it is behind an answer that is out.
    endLending()
    if (answer.status === 101 && answer.takeOver === undefined) {
      this.#application.report(unupgraded(), request)
      connection.answer(plainAnswer(500))
    } else connection.answer(answer)
  }

  /** Where the runtime's own server would look at `Range`. */
  #respondWithFile(
    connection: ServerConnection,
    head: RequestHead,
    request: Request,
    returned: unknown,
    files: Files,
  ): void {
    const isNative = returned instanceof NativeResponse && !isWebResponse(returned)
    const file = isNative && head.get('range') !== null ? files.behind(returned) : null
    if (file !== null) {
      const { status, statusText, headers } = returned as Response
      const fields = [...headers].flat()
      file
        .then((blob) => {
          const answer: OutgoingResponse = { status, statusText, fields, body: fileBody(blob), left: null }
          this.#answer(connection, request, partOf(answer, blob, head))
        })
        .catch((error) => this.#fail(connection, request, error))
      return
    }
    const answer = answerOf(this.#application.responseOf(returned, request))
    const { body } = answer
    const blob = isStreamed(body) ? body.blob : undefined
    const isFile = blob !== undefined && files.holds(blob)
    this.#answer(connection, request, isFile ? partOf(answer, blob, head) : answer)
  }

  #fail(connection: ServerConnection, request: Request, error: unknown): void {
    // A handler that gave up because its client did has done nothing wrong.
    if (connection.isLeaving(error)) connection.answer(plainAnswer(500))
    else this.#answer(connection, request, answerOf(this.#application.responseToError(error, request)))
  }

  async #askWithUpgrade(
    connection: ServerConnection,
    head: RequestHead,
    body: RequestBody,
    request: Request,
  ): Promise<void> {
    let offer: UpgradeOffer | null = null
    let gone = false
    connection.onClient = () => {
      gone = true
      offer?.drop()
    }
    try {
      offer = await this.#bindings.offerUpgrade!(connection, head, request)
      if (gone) offer.drop()
      // The client's frames begin behind it.
      if (body instanceof IncomingBody) await readAway(body)
      const returned = await this.#application.ask(request, offer.env, connection)
      const take = offer.upgraded()
      if (take === null || !connection.open) {
        offer.drop()
        if (take === null) this.#respond(connection, head, request, returned)
        else connection.answer(plainAnswer(400))
        return
      }
      const stream = connection.upgrade()
      try {
        take(stream, returned, this.#longLived)
      } catch (error) {
        stream.destroy()
        this.#application.report(error, request)
      }
    } catch (error) {
      offer?.drop()
      this.#fail(connection, request, error)
    }
  }
}

/** A handshake is a GET (RFC 6455 4.1). */
const isWebSocket = ({ method, upgrade }: RequestHead): boolean =>
  method === 'GET' && upgrade !== null && /\bwebsocket\b/i.test(upgrade)

/** To HTTP/1.0 the field means nothing (RFC 9110 7.8): helpers for WebSockets look at it. */
function withoutUpgrade(head: RequestHead): HeadLike {
  const raw: string[] = []
  for (let i = 0; i < head.raw.length; i += 2) {
    if (head.raw[i]!.toLowerCase() !== 'upgrade') raw.push(head.raw[i]!, head.raw[i + 1]!)
  }
  return { method: head.method, raw }
}

async function readAway(body: IncomingBody): Promise<void> {
  while ((await body.read()) !== null);
}
