/**
 * A Unix listener on `Deno.listen`, with connections that have the shape of `node:net` sockets. The
 * accept loop of Deno's `node:net` ends for want of a descriptor, and on a Unix socket nothing can
 * begin it anew.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Listener } from '../../src/net/transport.ts'

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>
  write(bytes: Uint8Array): Promise<number>
  closeWrite(): Promise<void>
  close(): void
}

interface DenoListener {
  accept(): Promise<DenoConn>
  close(): void
}

declare const Deno: {
  listen(options: { readonly transport: 'unix'; readonly path: string }): DenoListener
}

const readBytes = 64 * 1024

class UnixSocket extends Duplex {
  readonly #conn: DenoConn

  constructor(conn: DenoConn) {
    super({ allowHalfOpen: true })
    this.#conn = conn
  }

  override async _read(): Promise<void> {
    const buffer = new Uint8Array(readBytes)
    try {
      const length = await this.#conn.read(buffer)
      this.push(length === null ? null : buffer.subarray(0, length))
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  override async _write(bytes: Uint8Array, _encoding: string, done: (error?: Error) => void): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(await this.#conn.write(rest))
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#conn.closeWrite().then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#conn.close()
    done(error)
  }
}

/**
 * Whoever finds no descriptor left waits in the kernel's queue for another look after `againMs`.
 */
export function listenUnix(
  path: string,
  againMs: number,
  onSocket: (accepted: Socket) => void,
): Omit<Listener, 'setCertificates'> {
  const listener = Deno.listen({ transport: 'unix', path })
  let stopped = false
  const accept = async (): Promise<DenoConn | null> => {
    try {
      return await listener.accept()
    } catch {
      await sleep(againMs)
      return null
    }
  }
  const acceptAll = async (): Promise<void> => {
    while (!stopped) {
      const conn = await accept()
      // It is all of a socket that a transport uses.
      if (conn !== null) onSocket(new UnixSocket(conn) as Duplex as Socket)
    }
  }
  void acceptAll()
  return {
    host: '',
    port: 0,
    stop() {
      stopped = true
      listener.close()
    },
  }
}
