/** A connection that sends exactly what it is told and keeps every byte that comes back. */
import { Client } from '../lib/client.ts'
import { type Ending, type Head, none, parse, type Seen } from './answer-reader.ts'
import type { Ask } from './case.ts'

export interface Address {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** How long a client waits for what must come. */
export const patienceMs = 5_000

export class Http1Client extends Client {
  /** The case that had it before. */
  usedBy: string | null = null
  /** Everything that came, for what must never be in it. */
  readonly all: Buffer[] = []
  #input: Buffer = Buffer.alloc(0)

  static async at({ host, port, tls }: Address): Promise<Http1Client> {
    const client = new Http1Client({ host, port, allowHalfOpen: true, ...(tls && { tls: {} }) })
    const late = setTimeout(() => client.destroy(), patienceMs)
    try {
      return await client.connected
    } catch (error) {
      client.destroy()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  protected override received(bytes: Buffer): void {
    this.all.push(bytes)
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes])
  }

  /** Bytes that no answer has taken. */
  get left(): Buffer {
    return this.#input
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
      if (!(await this.until(() => !this.socket.writableNeedDrain || this.end !== 'open', patienceMs))) return
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
    }, patienceMs)
    return { ...head, body: Buffer.concat(parts), ending, wrong }
  }

  /** Waits until so many bytes are there that belong to no answer, and takes them. */
  async take(bytes: number): Promise<Buffer> {
    await this.until(() => this.#input.length >= bytes || this.end !== 'open', patienceMs)
    const taken = this.#input.subarray(0, bytes)
    this.#input = this.#input.subarray(bytes)
    return taken
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
