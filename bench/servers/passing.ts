/**
 * What a proxy on a runtime's sockets costs at least: it passes bytes between its clients and one
 * upstream, a connection for each client, and understands none of them. On the gateway's own
 * transports: `passing.ts TO_PORT [CERT KEY] PORT`.
 */
import { readFileSync } from 'node:fs'
import type { Connect, Listen, Transport, TransportEvents } from '../../src/net/transport.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { listen }: { listen: Listen } = await import(`../../runtimes/${runtime}/transport.ts`)
const connectedBy = runtime === 'bun' ? 'bun' : 'node'
const { connect }: { connect: Connect } = await import(`../../runtimes/${connectedBy}/connect.ts`)
const given = process.argv.slice(2)
const [to, port] = [Number(given[0]), Number(given.at(-1))]
const [cert, key] = given.slice(1, -1).map((path) => readFileSync(path, 'utf8'))
const host = '127.0.0.1'

/** One of the two connections, which passes what it reads to the other. */
class Side implements TransportEvents {
  readonly transport: Transport
  #other: Side | null = null
  /** What came before there was another. */
  readonly #early: Uint8Array[] = []

  constructor(transport: Transport) {
    this.transport = transport
  }

  pairWith(other: Side): void {
    this.#other = other
    for (const bytes of this.#early.splice(0)) this.feed(bytes)
  }

  feed(bytes: Uint8Array): void {
    const to = this.#other?.transport
    if (to === undefined) this.#early.push(bytes.slice())
    else if (!to.write('', bytes.length > (to.copiesBytes ?? 0) ? bytes.slice() : bytes)) this.transport.pause()
  }

  secured(): void {}

  drained(): void {
    this.#other?.transport.resume()
  }

  peerEnded(): void {
    this.#other?.transport.end()
  }

  gone(): void {
    this.#other?.transport.destroy()
  }
}

const never = new AbortController().signal
await listen({ port, host, ...(cert && key && { tls: { certificates: [{ cert, key }] } }) }, (transport) => {
  const client = new Side(transport)
  const accept = (own: Transport): TransportEvents => {
    const upstream = new Side(own)
    client.pairWith(upstream)
    upstream.pairWith(client)
    return upstream
  }
  connect({ host, port: to }, accept, never).catch(() => transport.destroy())
  return client
})
