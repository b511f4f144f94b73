/**
 * What a server made of some bytes and the FIN behind them, in words that fit our parser and Node's
 * alike.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { limitsOf } from '../../src/http1/events.ts'
import { RequestParser } from '../../src/http1/parser.ts'
import { bytesOf, Recording } from '../../src/http1/sink.recording.ts'

export interface Outcome {
  /** Heads that reached the application, each with the content that followed. */
  readonly requests: readonly Seen[]
  /** `cut`: the FIN came inside a message. */
  readonly end: 'ok' | 'refused' | 'cut'
}

export interface Seen {
  readonly method: string
  readonly target: string
  readonly minor: number
  readonly raw: readonly string[]
  readonly whole: boolean
  readonly body: string
  readonly trailers: readonly string[]
}

/** An outcome in short: how it ended, how many requests came whole, how many heads came. */
export function verdictOf({ end, requests }: Outcome): string {
  return `${end} ${requests.filter(({ whole }) => whole).length}/${requests.length}`
}

const limits = limitsOf({ maxHeadBytes: 16 * 1024, maxHeadFields: 100, maxBodyBytes: 0 })

/**
 * Our parser, under an engine that answers at once and reads no request after one that ends the
 * connection.
 */
export function ourOutcome(text: string): Outcome {
  const recording = new Recording<any>()
  const parser = new RequestParser(recording, limits)
  recording.afterMessage = () => {
    if (recording.messages.at(-1)!.head.keepAlive) parser.next()
  }
  parser.feed(bytesOf(text))
  parser.end()
  const { refused } = recording
  return {
    requests: recording.messages.map(({ head, body, trailers, whole }) => ({
      method: head.method,
      target: head.target,
      minor: head.minor,
      raw: head.raw,
      whole,
      // Content before a fault may or may not have been told.
      body: whole ? body : '',
      trailers,
    })),
    end: refused === null ? 'ok' : refused === 'cut-off' ? 'cut' : 'refused',
  }
}

/** `node:http` as it comes, on a socket. */
export class NodeServer {
  readonly #server: Server
  #seen: { message: IncomingMessage; body: string; whole: boolean }[] = []
  #end: Outcome['end'] = 'ok'

  constructor() {
    this.#server = createServer((message, answer) => {
      const seen = { message, body: '', whole: false }
      this.#seen.push(seen)
      message.setEncoding('latin1')
      message.on('data', (text: string) => {
        seen.body += text
      })
      message.on('error', () => {})
      message.on('end', () => {
        seen.whole = true
        answer.end()
      })
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#end = error.code === 'HPE_INVALID_EOF_STATE' ? 'cut' : 'refused'
      socket.destroy()
    })
    this.#server.on('connect', (_message, socket) => {
      this.#end = 'refused'
      socket.destroy()
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async outcome(text: string): Promise<Outcome> {
    this.#seen = []
    this.#end = 'ok'
    const { port } = this.#server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    let answers = ''
    socket.setEncoding('latin1')
    socket.on('data', (piece: string) => {
      answers += piece
    })
    socket.on('error', () => {})
    socket.end(text, 'latin1')
    await once(socket, 'close')
    // Without a Host Node answers 400 by itself and tells nobody.
    if (this.#end === 'ok' && /^HTTP\/1\.1 400 /m.test(answers)) this.#end = 'refused'
    return {
      requests: this.#seen.map(({ message, body, whole }) => ({
        method: message.method!,
        target: message.url!,
        minor: message.httpVersionMinor,
        raw: message.rawHeaders,
        whole,
        body: whole ? body : '',
        trailers: message.rawTrailers,
      })),
      end: this.#end,
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
