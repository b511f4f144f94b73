/**
 * A gateway's client on a `node:http` or `node:http2` server. What comes from an upstream is
 * written to that server's own answer: @hono/node-server says `Content-Type: text/plain` where an
 * answer says nothing, and has no trailers and no interim answers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type DownstreamResponse, dropBody, NativeDownstream } from '../../src/gateway/downstream/downstream.ts'
import { fieldOf } from '../../src/http1/raw-fields.ts'
import { NativeResponse } from '../../src/http1/web/native.ts'
import type { BodySource } from '../../src/http1/web/payload.ts'
import { isStreamed } from '../../src/http1/web/response.ts'
import type { LongLived } from '../../src/lifecycle/long-lived.ts'
import { eventStreamBody, isOpenEventStream } from '../../src/streams/event-stream-body.ts'
import { alreadySent } from './answer.ts'
import { recordOf } from './fields.ts'

/** `node:http2` refuses others, and so does RFC 9110 15. */
const lastStatus = 599

const internalError = 2

const badGateway = () => new NativeResponse('502 Bad Gateway\n', { status: 502 })

export interface NodeBindings {
  readonly incoming: IncomingMessage | Http2ServerRequest
  readonly outgoing: ServerResponse | Http2ServerResponse
}

export class NodeDownstream extends NativeDownstream {
  override readonly raw: readonly string[]
  readonly #outgoing: ServerResponse | Http2ServerResponse
  #made: { readonly response: Response; readonly answer: DownstreamResponse } | null = null

  constructor(request: Request, { incoming, outgoing }: NodeBindings) {
    super(request, peerOf(incoming), incoming.httpVersionMajor === 2 ? '2' : incoming.httpVersion)
    this.raw = withoutPseudo(incoming.rawHeaders)
    this.#outgoing = outgoing
  }

  override readonly onEnd = (listener: () => void): void => {
    const outgoing = this.#outgoing
    if (outgoing.destroyed) listener()
    else outgoing.once('close', listener)
  }

  override onClient(listener: (what: 'ended' | 'gone') => void): void {
    const outgoing = this.#outgoing
    outgoing.once('close', () => {
      if (!outgoing.writableEnded) listener('gone')
    })
  }

  override inform(status: number, fields: readonly string[]): void {
    const { stream } = this.#outgoing as Http2ServerResponse
    if (stream === undefined || stream.destroyed || stream.closed || stream.headersSent) return
    try {
      stream.additionalHeaders({ ':status': status, ...recordOf(fields) })
    } catch {
      // What passed our parser and still is nothing that Node would send: the answer itself comes without it.
    }
  }

  override respond(answer: DownstreamResponse): Response {
    const { status, body } = answer
    if (status > lastStatus && 'stream' in this.#outgoing) {
      dropBody(body)
      return badGateway()
    }
    const response = super.respond(answer)
    this.#made = { response, answer }
    return response
  }

  /**
   * Writes the answer, if it is still the one that was made here: middleware may have put its own
   * in the place.
   */
  override finish(response: Response, longLived: LongLived): Response {
    const made = this.#made
    const outgoing = this.#outgoing
    if (made === null || made.response !== response || outgoing.headersSent) return response
    const { status, fields, body } = made.answer
    if (outgoing.destroyed) {
      dropBody(body)
      return alreadySent
    }
    try {
      ;(outgoing as ServerResponse).writeHead(status, recordOf(fields))
    } catch {
      // What passed our parser and still is nothing that Node would send.
      dropBody(body)
      return badGateway()
    }
    const isEvents = isOpenEventStream(status, { get: (name) => fieldOf(fields, name) })
    if (isStreamed(body)) void this.#stream(isEvents ? eventStreamBody(body, this.method, longLived) : body)
    else if (body === null) outgoing.end()
    else outgoing.end(body)
    return alreadySent
  }

  async #stream(source: BodySource): Promise<void> {
    const outgoing = this.#outgoing as ServerResponse
    let wake = (): void => {}
    outgoing.on('drain', () => wake())
    outgoing.once('close', () => {
      if (!outgoing.writableEnded) source.cancel(new Error('the client is gone'))
      wake()
    })
    // The close that follows says it.
    outgoing.on('error', () => {})
    try {
      outgoing.flushHeaders()
      for (let piece = await source.read(); piece !== null; piece = await source.read()) {
        if (outgoing.write(piece) || outgoing.destroyed) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const { trailers = [] } = source
      if (trailers.length > 0) outgoing.addTrailers(recordOf(trailers) as Record<string, string>)
      outgoing.end()
    } catch {
      // Why, the upstream's health and the log know. To the client it never looks whole.
      if ('stream' in outgoing) (outgoing as unknown as Http2ServerResponse).stream?.close(internalError)
      else outgoing.destroy()
    }
  }
}

/**
 * Of a connection that is gone already Node tells no address. Without one it would look like a peer
 * on a Unix socket, which may be trusted.
 */
function peerOf(incoming: NodeBindings['incoming']): { readonly address: string; readonly port: number } {
  try {
    const { remoteAddress: address = 'unknown', remotePort: port = 0 } = incoming.socket
    return { address, port }
  } catch {
    return { address: 'unknown', port: 0 }
  }
}

function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) fields.push(raw[i]!, raw[i + 1]!)
  return fields
}
