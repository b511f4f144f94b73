/**
 * Clients that begin a valid exchange, get as far as a random byte of it, and then go in some way.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import { badRecords, type Layer, type Message } from './layers.ts'
import { randomFrom } from './random.ts'

/**
 * How a client goes once its last byte is out. `junk`: what follows is not of the protocol, then
 * silence.
 */
export const endings = ['reset', 'close', 'half-close', 'silence', 'junk'] as const
export type Ending = (typeof endings)[number]

/** Of a client's side of a handshake, about: TLS 1.3 offers a key of 1,200 bytes. */
const handshakeBytes = { 'TLSv1.2': 500, 'TLSv1.3': 1_800 } as const satisfies Partial<Record<SecureVersion, number>>
const answersWithinMs = 200
const handshakesWithinMs = 1_000

/**
 * So many clients, some at a time. Those that stay until the server ends them are let go of by
 * `letGo`.
 */
export async function attackWith(
  server: { readonly port: number; readonly secure: boolean },
  layer: Layer,
  ending: Ending,
  count: number,
  seed: number,
): Promise<{ letGo(): void }> {
  const sockets: Socket[] = []
  let next = 0
  const one = async (): Promise<void> => {
    while (next < count) {
      const client = new Client(layer, randomFrom(seed + next++))
      sockets.push(await client.attack(server, ending))
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, 20) }, one))
  return {
    letGo() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

class Client {
  readonly #layer: Layer
  readonly #random: () => number

  constructor(layer: Layer, random: () => number) {
    this.#layer = layer
    this.#random = random
  }

  async attack({ port, secure }: { readonly port: number; readonly secure: boolean }, ending: Ending): Promise<Socket> {
    const tcp = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    tcp.on('error', () => {})
    await once(tcp, 'connect', 'close')
    const message = this.#layer.message(this.#random)
    // One in three says all of it.
    const cut = this.#random() < 0.33 ? 1 : this.#random()
    const junk = ending === 'junk' ? this.#layer.junk(this.#random) : ''
    if (secure) await this.#speakTls(tcp, message, cut, junk)
    else await this.#say(tcp, [...cutAt(message, cut), junk])
    await this.#end(tcp, ending, secure)
    return tcp
  }

  /** Cut in what is said, or in the bytes that TLS makes of it. */
  async #speakTls(tcp: Socket, message: Message, cut: number, junk: string): Promise<void> {
    const version = this.#chance(0.5) ? 'TLSv1.2' : 'TLSv1.3'
    const inside = !this.#layer.handshakeOnly && this.#chance(0.66)
    const bytes = handshakeBytes[version] + (this.#layer.handshakeOnly ? 0 : message.join('').length)
    const metered = new Metered(tcp, inside || cut === 1 ? Number.POSITIVE_INFINITY : Math.floor(cut * bytes))
    const tls = connectTls({
      socket: metered,
      rejectUnauthorized: false,
      ALPNProtocols: [this.#layer.alpn],
      minVersion: version,
      maxVersion: version,
    })
    tls.on('error', () => {}).resume()
    const said = once(tls, 'secureConnect', 'close').then(async () => {
      await this.#say(tls, inside ? cutAt(message, cut) : message)
      if (junk !== '' && this.#chance(0.5)) await this.#say(tls, [junk])
    })
    // A server may also have ended it before.
    await Promise.race([metered.spent, said, delay(handshakesWithinMs)])
  }

  async #say(socket: Duplex, message: Message): Promise<void> {
    for (const [i, part] of message.entries()) {
      if (i > 0 && this.#chance(0.5)) await Promise.race([once(socket, 'data', 'close'), delay(answersWithinMs)])
      else socket.resume()
      const middle = Math.floor(this.#random() * part.length)
      for (const piece of [part.slice(0, middle), part.slice(middle)]) {
        if (piece !== '') socket.write(piece, 'latin1')
        if (this.#chance(0.3)) await delay(this.#random() * 3)
      }
    }
    socket.resume()
  }

  async #end(tcp: Socket, ending: Ending, secure: boolean): Promise<void> {
    if (this.#chance(0.5)) await delay(this.#random() * 4)
    switch (ending) {
      case 'reset':
        tcp.resetAndDestroy()
        break
      case 'close':
        tcp.destroy()
        break
      case 'half-close':
        tcp.end()
        break
      case 'junk':
        if (secure) tcp.write(badRecords(this.#random), 'latin1')
        break
      case 'silence':
        break
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }
}

/** So much of a message, from 0 to 1. */
function cutAt(message: Message, part: number): Message {
  const length = message.join('').length
  let left = Math.floor(part * length)
  return message.map((text) => {
    const kept = text.slice(0, left)
    left -= kept.length
    return kept
  })
}

/** Resolves with the first of these. */
function once(emitter: Duplex, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) emitter.off(event, done)
      resolve()
    }
    for (const event of events) emitter.on(event, done)
  })
}

/** Hands on so many bytes and no more; `spent` resolves when they are out. */
class Metered extends Duplex {
  readonly spent: Promise<void>
  readonly #tcp: Socket
  #left: number
  #spend = (): void => {}

  constructor(tcp: Socket, bytes: number) {
    super()
    this.#tcp = tcp
    this.#left = bytes
    this.spent = new Promise((resolve) => {
      this.#spend = resolve
      tcp.once('close', resolve)
    })
    tcp.on('data', (data) => this.push(data))
    tcp.on('end', () => this.push(null))
    if (bytes === 0) this.#spend()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const piece = chunk.subarray(0, this.#left)
    this.#left -= piece.length
    if (piece.length > 0) this.#tcp.write(piece)
    if (this.#left === 0) this.#spend()
    done()
  }
}
