/** One HTTP/1.1 connection of a `node:http` server: turns what its events and counters show into moves of the lifecycle. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Book, Member } from '../../src/lifecycle/book.ts'
import { Connection, type Sight } from '../../src/lifecycle/connection.ts'
import { type ReasonName, reasons } from '../../src/lifecycle/reasons.ts'
import type { Policy } from '../../src/policy.ts'
import { type Body, hasBody } from './body.ts'

/** What the connections of one server have in common. */
export interface WireContext {
  readonly policy: Policy
  readonly now: () => number
  readonly book: Book<NodeMember>
  /** Whether answers are to be the last of their connection. */
  readonly lastAnswers: () => boolean
}

/** A connection of either version of HTTP. */
export interface NodeMember extends Member {
  /** The drain has begun: what is answered from now on is the last. */
  announce(): void
  /** Its closing phase has begun. */
  lastRequests?(): void
}

/** The parts of a libuv stream handle that say how much the kernel has taken; there is no public way to see it. */
interface StreamHandle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
}

/** Node does not say when bytes of a head come on an idle connection: it has to be looked at, which is not free. */
const lookEveryMs = 100
/** An application that has not answered a refused body after this long is cut. */
export const refusedAnswerMs = 1_000
/** With `discardTimeoutMs` off, a socket that was ended still has to go one day. */
const lingerMs = 5_000

export class Wire implements NodeMember {
  readonly connection: Connection
  lookAt = 0
  parkedIn: Set<NodeMember> | null = null
  /** It came when all were busy: its first request is answered 503. */
  surplus = false
  /** What the application holds of the latest request, to abort when the client ends. */
  request: Request | null = null
  readonly #context: WireContext
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  #socket: Socket
  /** The TCP socket itself: it alone can be reset, and its handle knows what the kernel took. */
  readonly #tcp: Socket
  /** Requests that are with the application; more than one only when pipelined. */
  #owed = 0
  #outgoing: ServerResponse | null = null
  /** Of the latest request, until it is complete. */
  #body: Body | null = null
  /** What is said after the last answer that is owed: a later request on the connection was malformed. */
  #lastWord: ReasonName | 'malformed' | null = null
  #refusedAt = 0

  constructor(tcp: Socket, secure: boolean, context: WireContext) {
    this.#context = context
    this.#tcp = tcp
    this.#socket = tcp
    this.connection = new Connection(context.now(), context.policy, secure ? 'handshake' : 'accepted')
  }

  secured(socket: Socket): void {
    this.#socket = socket
    this.connection.move('secured', this.#context.now())
  }

  /** Whether the application is to see the request. */
  begin(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const { connection } = this
    const { policy, now, lastAnswers } = this.#context
    const before = this.#outgoing
    // The answer before this one said that it is the last, or the end of the connection has been written already: what
    // is pipelined behind can't be answered, so it must not run.
    if (this.#socket.writableEnded || this.#lastWord !== null) return false
    if (this.#owed > 0 && before !== null && before.headersSent && !before.shouldKeepAlive) return false
    const { maxRequestsPerConnection } = policy
    if (maxRequestsPerConnection !== 0 && connection.requests >= maxRequestsPerConnection) return false

    const at = now()
    connection.move(hasBody(incoming) ? 'requestWithBody' : 'request', at)
    this.#body = null
    this.#outgoing = outgoing
    this.#owed += 1
    const last =
      connection.requests === maxRequestsPerConnection || at >= connection.agesAt || this.surplus || lastAnswers()
    if (last) {
      if (this.#owed > 1 && before !== null && !before.headersSent) before.shouldKeepAlive = true
      outgoing.shouldKeepAlive = false
    }
    return true
  }

  /** The request that has just begun has a body. */
  expect(body: Body): void {
    this.#body = body
    this.#socket.destroySoon = this.#lingerOrDestroy
  }

  upgraded(): void {
    this.connection.move('upgrade', this.#context.now())
  }

  /** An answer has left the process. */
  answered(): void {
    const { connection } = this
    const now = this.#context.now()
    this.#owed -= 1
    if (this.#owed > 0) return
    if (this.#body !== null) {
      if (this.#body.complete) this.#bodyEnd(now)
      else this.#body.discard()
    }
    connection.move('answered', now, this.#socket.bytesRead)
    if (this.#lastWord !== null) this.#say(this.#lastWord)
  }

  announce(): void {
    if (this.#owed > 0 && this.#outgoing !== null && !this.#outgoing.headersSent) this.#outgoing.shouldKeepAlive = false
  }

  /** The client has said that it sends no more; what it is owed is still written (as in Go's net/http). */
  clientEnded(): void {
    if (this.#owed === 0) return
    if (this.request !== null) abort(this.request)
    // The rest of a body that is not there will not come.
    if (this.#body !== null && !this.#body.complete) this.#refuseBody('malformed')
  }

  /** The parser gave up, or Node's own clock for heads ran out. */
  failed(error: Error & { code?: string }): void {
    if (this.connection.state === 'closing' || !this.#socket.writable || error.code === 'ECONNRESET') {
      this.#socket.destroy()
      return
    }
    const reason = this.#reasonOf(error)
    if (this.#owed > 0) {
      if (this.#body !== null && !this.#body.complete) this.#refuseBody(reason)
      else this.#lastWord = reason
    } else if (reason === 'malformed') this.#say(reason)
    else this.#context.book.hangUp(this, reason, this.#context.now())
  }

  bodyTooLarge(): void {
    this.#context.book.count('bodyTooLarge')
    this.#refuseBody('bodyTooLarge')
  }

  sight(now: number): Sight {
    const { connection } = this
    const socket = this.#socket
    this.lookAt = now + lookEveryMs
    if (this.#body?.complete) this.#bodyEnd(now)
    // The end of the connection was written, and there is no rest of a body to wait for.
    if (socket.writableEnded && connection.state === 'idle') socket.destroy()
    const handle = (this.#tcp as Socket & { _handle?: StreamHandle | null })._handle
    return {
      received: socket.bytesRead,
      taken:
        handle?.writeQueueSize === undefined || handle.bytesWritten === undefined
          ? socket.bytesWritten - socket.writableLength
          : handle.bytesWritten - handle.writeQueueSize,
      unsent: this.#owed > 0 && this.#outgoing !== null ? this.#outgoing.writableLength : socket.writableLength,
      wanted: this.#body?.wanted ?? false,
    }
  }

  hangUp(name: ReasonName, now: number): void {
    const { connection } = this
    switch (name) {
      case 'body':
      case 'bodyRate':
        this.#refuseBody(name)
        if (now - this.#refusedAt >= refusedAnswerMs) this.#socket.destroy()
        return
      case 'discard':
        if (!this.#socket.writableEnded) this.#socket.end()
        if (now - connection.since >= this.#lingerMs) this.#socket.destroy()
        return
      case 'head':
      case 'headTooLarge':
        this.#say(name)
        return
      default:
        connection.close(now)
        if (reasons[name].end === 'rst') this.#reset()
        else this.#socket.destroy()
    }
  }

  cut(): void {
    if (this.connection.busy) this.#reset()
    else this.#socket.destroy()
  }

  get #lingerMs(): number {
    return this.#context.policy.discardTimeoutMs || lingerMs
  }

  #bodyEnd(now: number): void {
    this.#body = null
    this.connection.move('bodyEnd', now, this.#socket.bytesRead)
  }

  #refuseBody(reason: ReasonName | 'malformed'): void {
    if (this.#body === null || this.#body.refused) return
    this.#refusedAt = this.#context.now()
    this.#body.refuse(statusOf(reason))
  }

  #reasonOf(error: { code?: string }): ReasonName | 'malformed' {
    if (error.code === 'HPE_HEADER_OVERFLOW') return 'headTooLarge'
    if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') return 'malformed'
    return this.connection.state === 'accepted' && this.#socket.bytesRead === 0 ? 'silent' : 'head'
  }

  #reset(): void {
    if (!this.#tcp.destroyed) this.#tcp.resetAndDestroy()
  }

  /** Answers without the application, ends, and reads on for a while so that no RST overtakes the answer. */
  #say(reason: ReasonName | 'malformed'): void {
    const status = statusOf(reason)
    const socket = this.#socket
    this.connection.close(this.#context.now())
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    socket.resume()
    setTimeout(() => socket.destroy(), this.#lingerMs).unref()
  }

  /** Node ends a connection after its last answer like this. With a body still coming that would reset it over the answer. */
  readonly #lingerOrDestroy = (): void => {
    if (this.#body !== null && !this.#body.complete) this.#socket.end()
    else Socket.prototype.destroySoon.call(this.#socket)
  }
}

function statusOf(reason: ReasonName | 'malformed'): number {
  return (reason === 'malformed' ? null : reasons[reason].status) ?? 400
}

/**
 * Fires the request's `signal`. @hono/node-server keeps the controller behind it to itself; it is the one
 * AbortController among the request's own values once `signal` was read.
 */
export function abort(request: Request): void {
  void request.signal
  for (const key of Object.getOwnPropertySymbols(request)) {
    const value = (request as unknown as Record<symbol, unknown>)[key]
    if (value instanceof AbortController) value.abort(new Error('the client ended the connection'))
  }
}
