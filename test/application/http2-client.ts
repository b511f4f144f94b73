/**
 * The same requests over HTTP/2. Node's client is strict: what RFC 9113 forbids in an answer ends
 * its stream with an error.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { type Field, none, type Seen } from './answer-reader.ts'
import type { Ask } from './case.ts'
import { type Address, patienceMs } from './http1-client.ts'

export class Http2Client {
  /** The case that had it before. */
  usedBy: string | null = null
  readonly #session: ClientHttp2Session
  /** Everything that came. */
  readonly all: Buffer[] = []

  private constructor(session: ClientHttp2Session) {
    this.#session = session
  }

  static async open({ host, port }: Address): Promise<Http2Client> {
    const session = connect(`https://${host}:${port}`, { rejectUnauthorized: false })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    session.once('connect', () => resolve())
    session.once('error', reject)
    await promise
    session.on('error', () => {})
    return new Http2Client(session)
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed
  }

  destroy(): void {
    this.#session.destroy()
  }

  start({ method = 'GET', at = '', fields = {}, body, chunks, upload }: Ask, path: string): ClientHttp2Stream {
    const hasBody = body !== undefined || chunks !== undefined || upload !== undefined
    const given = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]))
    const bytes = body === undefined ? null : Buffer.from(body)
    const stream = this.#session.request(
      { ':method': method, ':path': path + at, ...given, ...(bytes && { 'content-length': String(bytes.length) }) },
      { endStream: !hasBody },
    )
    stream.on('error', () => {})
    if (bytes !== null) stream.end(bytes)
    else if (chunks !== undefined) sendPieces(stream, chunks)
    else if (upload !== undefined) stream.end(Buffer.alloc(upload, 'x'))
    return stream
  }

  async ask(ask: Ask, path: string): Promise<Seen> {
    if (!this.isOpen) return { ...none, body: Buffer.alloc(0), ending: 'reset', wrong: 'the session had ended' }
    return this.read(this.start(ask, path))
  }

  read(stream: ClientHttp2Stream, enough?: (bodyBytes: number) => boolean): Promise<Seen> {
    const { promise, resolve } = Promise.withResolvers<Seen>()
    const parts: Buffer[] = []
    let head = none
    let size = 0
    const settle = (ending: Seen['ending'], wrong: string | null = null) => {
      clearTimeout(timer)
      resolve({ ...head, body: Buffer.concat(parts), ending, wrong })
    }
    const timer = setTimeout(() => {
      settle('waiting')
      stream.close(constants.NGHTTP2_CANCEL)
    }, patienceMs)
    stream.on('response', (headers, _flags, ...more: unknown[]) => {
      const raw = (more[0] ?? []) as string[]
      const fields: Field[] = []
      for (let at = 0; at < raw.length; at += 2) {
        if (!raw[at]!.startsWith(':')) fields.push([raw[at]!.toLowerCase(), raw[at + 1]!])
      }
      this.all.push(Buffer.from(raw.join('\n'), 'latin1'))
      head = { version: '2', status: Number(headers[':status']), reason: '', fields }
    })
    stream.on('data', (bytes: Buffer) => {
      this.all.push(bytes)
      parts.push(bytes)
      size += bytes.length
      if (enough?.(size)) settle('waiting')
    })
    let wrong: string | null = null
    stream.on('error', (error) => {
      wrong = error.message
    })
    stream.on('close', () => settle(stream.rstCode === 0 && wrong === null ? 'whole' : 'reset', wrong))
    stream.resume()
    return promise
  }
}

async function sendPieces(stream: ClientHttp2Stream, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    if (stream.destroyed) return
    stream.write(piece)
  }
  stream.end()
}
