/** A connection that sends exactly what it is told and keeps every byte that comes back. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Ending, type Head, none, parse, type Seen } from './answer-reader.ts'
import type { Ask } from './case.ts'

export interface Address {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export type End = 'open' | 'fin' | 'reset'

/** How long a client waits for what must come. */
export const patienceMs = 5_000

export class Http1Client {
  end: End = 'open'
  /** The case that had it before. */
  usedBy: string | null = null
  /** Everything that came, for what must never be in it. */
  readonly all: Buffer[] = []
  readonly #socket: Socket
  readonly #raw: Socket
  #input: Buffer = Buffer.alloc(0)
  #watchers = new Set<() => void>()

  private constructor(socket: Socket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
    socket.on('data', (bytes: Buffer) => {
      this.all.push(bytes)
      this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes])
      this.#changed()
    })
    socket.on('end', () => this.#ended('fin'))
    socket.on('error', () => this.#ended('reset'))
    socket.on('close', () => this.#ended('reset'))
    if (raw !== socket) raw.on('error', () => this.#ended('reset'))
  }

  static open({ host, port, tls }: Address): Promise<Http1Client> {
    const { promise, resolve, reject } = Promise.withResolvers<Http1Client>()
    const raw = connectTcp({ host, port, allowHalfOpen: true, noDelay: true })
    const timer = setTimeout(() => fail(new Error('not connected in time')), patienceMs)
    const fail = (error: Error) => {
      clearTimeout(timer)
      raw.destroy()
      reject(error)
    }
    const done = (socket: Socket) => {
      clearTimeout(timer)
      raw.off('error', fail)
      socket.off('error', fail)
      resolve(new Http1Client(socket, raw))
    }
    raw.once('error', fail)
    raw.once('connect', () => {
      if (!tls) return done(raw)
      const secure = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
      secure.once('error', fail)
      secure.once('secureConnect', () => done(secure))
    })
    return promise
  }

  get localPort(): number {
    return this.#raw.localPort ?? 0
  }

  /** Bytes that no answer has taken. */
  get left(): Buffer {
    return this.#input
  }

  send(data: string | Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  finish(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#raw.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#raw.destroy()
  }

  /** Sends a request; what of it comes in pieces is sent while its answer may come. */
  async ask(ask: Ask, path: string, host: string): Promise<void> {
    this.send(requestOf(ask, path, host))
    for (const chunk of ask.chunks ?? []) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      this.send(chunkOf(Buffer.from(chunk)))
    }
    if (ask.upload !== undefined) await this.#pour(ask.upload)
    if (ask.chunks ?? ask.upload) this.send('0\r\n\r\n')
  }

  async #pour(bytes: number): Promise<void> {
    const piece = Buffer.alloc(16 * 1024, 'x')
    for (let left = bytes; left > 0 && this.end === 'open'; left -= piece.length) {
      this.send(chunkOf(piece.subarray(0, Math.min(left, piece.length))))
      if (
        this.#socket.writableNeedDrain &&
        !(await this.until(() => !this.#socket.writableNeedDrain || this.end !== 'open'))
      )
        return
    }
  }

  /** The next answer, or as much of it as came within a client's patience. */
  async read(toHead: boolean, enough?: (bodyBytes: number) => boolean): Promise<Seen> {
    let head: Head = none
    let parts: readonly Buffer[] = []
    let ending: Ending = 'waiting'
    let wrong: string | null = null
    await this.until(() => {
      try {
        const parsed = parse(this.#input, toHead)
        head = parsed?.head ?? none
        parts = parsed?.parts ?? []
        if (parsed?.taken != null) {
          ending = 'whole'
          this.#input = this.#input.subarray(parsed.taken)
        } else if (parsed?.untilClose && this.end === 'fin') {
          ending = 'whole'
          this.#input = Buffer.alloc(0)
        } else if (this.end !== 'open') ending = this.end
        return ending !== 'waiting' || (enough?.(parts.reduce((sum, { length }) => sum + length, 0)) ?? false)
      } catch (error) {
        ending = 'garbled'
        wrong = (error as Error).message
        return true
      }
    })
    return { ...head, body: Buffer.concat(parts), ending, wrong }
  }

  /** Waits until so many bytes are there that belong to no answer, and takes them. */
  async take(bytes: number): Promise<Buffer> {
    await this.until(() => this.#input.length >= bytes || this.end !== 'open')
    const taken = this.#input.subarray(0, bytes)
    this.#input = this.#input.subarray(bytes)
    return taken
  }

  /** Looks again whenever something happens; false after a client's patience. */
  until(test: () => boolean, withinMs = patienceMs): Promise<boolean> {
    if (test()) return Promise.resolve(true)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const settle = (result: boolean) => {
      clearTimeout(timer)
      this.#socket.off('drain', look)
      this.#watchers.delete(look)
      resolve(result)
    }
    const look = () => {
      if (test()) settle(true)
    }
    const timer = setTimeout(() => settle(test()), withinMs)
    this.#watchers.add(look)
    this.#socket.on('drain', look)
    return promise
  }

  #ended(end: 'fin' | 'reset'): void {
    if (this.end === 'open') this.end = end
    this.#changed()
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look()
  }
}

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The head, and the body where that is one piece. */
export function requestOf(
  { method = 'GET', at = '', fields = {}, body, chunks, upload, version }: Ask,
  path: string,
  host: string,
): Buffer {
  const bytes = body === undefined ? null : Buffer.from(body)
  const named = Object.keys(fields).map((name) => name.toLowerCase())
  const lines = [
    `${method} ${path}${at} HTTP/${version ?? '1.1'}`,
    ...(named.includes('host') ? [] : [`Host: ${host}`]),
    ...Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`)),
    ...(bytes === null || named.includes('content-length') ? [] : [`Content-Length: ${bytes.length}`]),
    ...(chunks === undefined && upload === undefined ? [] : ['Transfer-Encoding: chunked']),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes ?? Buffer.alloc(0)])
}
