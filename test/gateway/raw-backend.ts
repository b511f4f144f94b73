/**
 * A backend that says exact bytes: one function for each path, given the connection once the head
 * of a request is there.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Port } from '../lib/server.ts'

export interface Asked {
  /** Of the request, with the empty line, as latin1. */
  readonly head: string
  readonly socket: Socket
  /** What came behind the head so far. */
  body(): string
  /** How many requests came before on this connection. */
  readonly earlier: number
}

export type Say = (asked: Asked) => void | Promise<void>

export interface RawBackend extends Port {
  readonly server: Server
  /** Every one that was accepted. */
  readonly connections: readonly Socket[]
  readonly heads: readonly string[]
  /** Connections that are open now. */
  open(): number
}

export interface RawOptions {
  readonly tls?: TlsOptions & ConnectionOptions
  /** A path instead of a port. */
  readonly unix?: string
}

/** It is gone when its test is. */
export function rawBackend(
  t: Pick<TestContext, 'after'>,
  paths: Readonly<Record<string, Say>>,
  { tls, unix }: RawOptions = {},
): Promise<RawBackend> {
  const connections: Socket[] = []
  const heads: string[] = []
  const serve = (socket: Socket) => {
    connections.push(socket)
    socket.setNoDelay(true).on('error', () => {})
    let input = ''
    let earlier = 0
    // Looked for once: a body of megabytes is not searched again with each piece.
    let inBody = false
    socket.on('data', (bytes: Buffer) => {
      input += bytes.toString('latin1')
      inBody ||= !/^[A-Z]+(?: |$)/.test(input)
      if (inBody) return
      for (let end = input.indexOf('\r\n\r\n'); end >= 0; end = input.indexOf('\r\n\r\n')) {
        const path = /^[A-Z]+ ([^ ?]*)/.exec(input)?.[1] ?? ''
        const say = paths[path]
        // It is the body of a request.
        if (say === undefined) return
        const head = input.slice(0, end + 4)
        input = input.slice(end + 4)
        heads.push(head)
        void say({ head, socket, body: () => input, earlier: earlier++ })
      }
    })
  }
  const server = tls ? createTlsServer({ ...tls }, serve) : createServer({ allowHalfOpen: false }, serve)
  t.after(() => {
    server.close()
    for (const socket of connections) socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const listening = () => {
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        server,
        connections,
        heads,
        open: () => connections.filter(({ destroyed }) => !destroyed).length,
      })
    }
    if (unix === undefined) server.listen(0, '127.0.0.1', listening)
    else server.listen(unix, listening)
  })
}

/** In pieces of so many bytes, each a write of its own. */
export async function inPieces(socket: Socket, text: string, bytes: number): Promise<void> {
  for (let at = 0; at < text.length; at += bytes) {
    socket.write(text.slice(at, at + bytes), 'latin1')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
