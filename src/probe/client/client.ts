/**
 * A client without a library's opinions: it sends exactly what it is told and writes down what
 * comes back and when. FIN and RST are different ends, and our own half stays open after the
 * server's FIN, so that each is seen for itself.
 */

import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { deferred } from '../../deferred.ts'
import { type Clock, systemClock } from '../../lifecycle/clock.ts'
import { every } from '../../lifecycle/time.ts'
import { condense } from '../judge/timeline.ts'
import { FrameReader } from './h2.ts'
import { ResponseReader } from './response.ts'

export const ends = ['open', 'fin', 'reset'] as const
export type End = (typeof ends)[number]

export interface Address {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Where `host` is. Default: whatever it resolves to at each connection. */
  readonly ip?: string | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Told of every connection that is made, before anything is sent on it. */
  opened?(connection: Connection): void
}

/** What stands in `Host` (RFC 9110 7.2): an IPv6 literal in brackets. */
export function authorityOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export const eventKinds = [
  'connected',
  'secured',
  'sent',
  'received',
  'paused',
  'resumed',
  'fin',
  'reset',
  'error',
  'our fin',
  'our reset',
] as const

export interface TimelineEvent {
  readonly atMs: number
  readonly what: (typeof eventKinds)[number]
  readonly bytes?: number
  readonly detail?: string
  /** Several put together: up to when, and how many. */
  readonly untilMs?: number
  readonly times?: number
}

/** Enough to see what happened; a body of megabytes is not written down piece by piece. */
const longestTimeline = 200

export interface ConnectOptions {
  /** Without TLS, whatever the server speaks. */
  readonly bare?: boolean
  /** Protocols to offer (RFC 7301); what was agreed is `alpn`. */
  readonly alpn?: readonly string[]
  readonly timeoutMs?: number
  /** An address of this machine's. */
  readonly localAddress?: string
}

export class Connection {
  readonly timeline: TimelineEvent[] = []
  readonly reader = new ResponseReader()
  /** What came as HTTP/2, where that is spoken; `reader` sees nothing then. */
  h2: FrameReader | null = null
  /** Requests whose heads were sent. */
  readonly asked = { count: 0 }
  readonly localPort: number
  readonly alpn: string | null
  /**
   * How the server ended it; the first end counts: an RST after a FIN answers our own late bytes.
   */
  end: End = 'open'
  endedMs: number | null = null
  readonly connectedMs: number
  sentMs: number
  receivedMs: number
  pausedMs: number
  resumedMs: number
  receivedBytes = 0
  sentBytes = 0
  /** What TCP or TLS said last, for the report. */
  error: string | null = null
  readonly #socket: Socket
  readonly #raw: Socket
  readonly #watchers = new Set<() => void>()
  readonly clock: Clock
  #stopDripping = (): void => {}

  private constructor(
    socket: Socket,
    raw: Socket,
    times: { connectedMs: number; securedMs: number | null },
    alpn: string | null,
    clock: Clock,
  ) {
    this.clock = clock
    this.#socket = socket
    this.#raw = raw
    this.alpn = alpn
    // From the first byte: a server's SETTINGS may be here before anybody waits for them.
    if (alpn === 'h2') this.h2 = new FrameReader()
    this.localPort = raw.localPort ?? 0
    this.connectedMs = times.connectedMs
    this.sentMs = this.receivedMs = this.pausedMs = this.resumedMs = times.securedMs ?? times.connectedMs
    this.#note('connected', {}, times.connectedMs)
    if (times.securedMs !== null) this.#note('secured', alpn === null ? {} : { detail: alpn }, times.securedMs)
    socket.on('data', (chunk: Buffer) => {
      const nowMs = this.clock.now()
      this.receivedMs = nowMs
      this.receivedBytes += chunk.length
      this.#note('received', { bytes: chunk.length }, nowMs)
      if (this.h2) this.h2.push(chunk, nowMs)
      else this.reader.push(chunk, nowMs)
      this.#changed()
    })
    // TLS: a close_notify (RFC 8446 6.1) counts as FIN, as it is all that Node's TLS tells.
    socket.on('end', () => this.#ended('fin'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
      const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ECONNABORTED'
      if (reset) this.#ended('reset')
      else this.#note('error', { detail: this.error })
      this.#changed()
    })
    socket.on('close', () => {
      this.#stopDripping()
      this.#changed()
    })
    if (raw !== socket) raw.on('error', () => {}) // The TLS socket reports it.
  }

  /** Resolves when TCP, and TLS if the server speaks it, are established. */
  static open(address: Address, options: ConnectOptions = {}): Promise<Connection> {
    const { host, port, clock = systemClock } = address
    const { promise, resolve: connected, reject } = deferred<Connection>()
    const resolve = (connection: Connection) => {
      address.opened?.(connection)
      connected(connection)
    }
    const from = options.localAddress === undefined ? {} : { localAddress: options.localAddress }
    const raw = connectTcp({ host: address.ip ?? host, port, allowHalfOpen: true, noDelay: true, ...from })
    const cancel = clock.after(options.timeoutMs ?? 10_000, () =>
      fail(new Error(`no connection within ${(options.timeoutMs ?? 10_000) / 1_000} s`)),
    )
    const fail = (error: Error) => {
      cancel()
      raw.destroy()
      reject(error)
    }
    raw.once('error', fail)
    raw.once('connect', () => {
      const connectedMs = clock.now()
      if (!address.tls || options.bare) {
        cancel()
        raw.off('error', fail)
        resolve(new Connection(raw, raw, { connectedMs, securedMs: null }, null, clock))
        return
      }
      const secure = connectTls({
        socket: raw,
        // Whether the certificate is one to trust is not the question here.
        rejectUnauthorized: false,
        ...(options.alpn && { ALPNProtocols: [...options.alpn] }),
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      })
      secure.once('error', fail)
      secure.once('secureConnect', () => {
        cancel()
        raw.off('error', fail)
        secure.off('error', fail)
        const alpn = typeof secure.alpnProtocol === 'string' ? secure.alpnProtocol : null
        resolve(new Connection(secure, raw, { connectedMs, securedMs: clock.now() }, alpn, clock))
      })
    })
    return promise
  }

  send(data: string | Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.sentMs = this.clock.now()
    this.sentBytes += data.length
    this.#note('sent', { bytes: data.length }, this.sentMs)
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /**
   * As fast as the server takes it; resolves when all is handed over or the connection has ended.
   */
  async pour(bytes: number, chunkBytes: number): Promise<void> {
    const chunk = Buffer.alloc(chunkBytes, 'x')
    for (let left = bytes; left > 0 && this.end === 'open' && !this.#socket.destroyed; left -= chunkBytes) {
      this.send(left < chunkBytes ? chunk.subarray(0, left) : chunk)
      if (this.#socket.writableNeedDrain) {
        const { promise, resolve } = deferred()
        this.#socket.once('drain', resolve).once('close', resolve).once('end', resolve)
        await promise
        this.#socket.off('drain', resolve).off('close', resolve).off('end', resolve)
      }
    }
  }

  pause(): void {
    this.#stopDripping()
    this.#socket.pause()
    this.pausedMs = this.clock.now()
    this.#note('paused')
  }

  resume(): void {
    this.#stopDripping()
    this.resumedMs = this.clock.now()
    this.#note('resumed', {}, this.resumedMs)
    this.#socket.resume()
  }

  /** Takes so many bytes every so many ms and no more. */
  drip(bytes: number, everyMs: number): void {
    this.pause()
    this.#stopDripping = every(everyMs, this.clock, () => void (this.#socket.read(bytes) ?? this.#socket.read()))
  }

  /** Our FIN; what the server still sends is read. */
  finish(): void {
    this.#note('our fin')
    this.#socket.end()
  }

  reset(): void {
    this.#note('our reset')
    this.#raw.resetAndDestroy()
  }

  /**
   * Deno 2.9.6: under a node:tls socket that is paused it reads on, and may never tell of an end
   * that comes then.
   */
  get readsOn(): boolean {
    return this.#socket !== this.#raw && 'Deno' in globalThis
  }

  /** Both directions, as at the end of a program: FIN, or RST if bytes are unread. */
  destroy(): void {
    this.#stopDripping()
    this.#socket.destroy()
    this.#raw.destroy()
  }

  /** The same, and whoever waits for the server's end need not any more. */
  abandon(): void {
    this.destroy()
    this.#ended('reset')
  }

  /**
   * True as soon as the test holds, false at the deadline, if there is one (`Infinity`: none). It
   * is looked at again whenever something happens here.
   */
  until(test: () => boolean, deadlineMs: number): Promise<boolean> {
    if (test()) return Promise.resolve(true)
    const { promise, resolve } = deferred<boolean>()
    const settle = (result: boolean) => {
      cancel()
      this.#watchers.delete(look)
      resolve(result)
    }
    const look = () => {
      if (test()) settle(true)
    }
    const cancel =
      deadlineMs === Number.POSITIVE_INFINITY
        ? () => {}
        : this.clock.after(Math.max(0, deadlineMs - this.clock.now()), () => settle(test()))
    this.#watchers.add(look)
    return promise
  }

  #ended(end: 'fin' | 'reset'): void {
    const nowMs = this.clock.now()
    this.#note(end, this.error === null ? {} : { detail: this.error }, nowMs)
    if (this.end !== 'open') return
    this.end = end
    this.endedMs = nowMs
    if (end === 'fin') this.reader.end(nowMs)
    this.#changed()
  }

  #note(
    what: TimelineEvent['what'],
    more: { bytes?: number; detail?: string } = {},
    atMs: number = this.clock.now(),
  ): void {
    if (this.timeline.length >= longestTimeline) {
      this.timeline.splice(0, longestTimeline, ...condense(this.timeline, longestTimeline / 2))
    }
    this.timeline.push({ atMs, what, ...more })
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look()
  }
}
