/**
 * A man in the middle who makes a well-behaved server misbehave: what passes through him is passed
 * on as it is (bytes, FIN, RST, and how fast they are taken), but for one sin.
 */
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type FrameType, frameTypes } from '../../src/probe/client/h2-frame.ts'
import type { WireSin } from './sin.ts'

export interface Upstream {
  readonly port: number
  /** TLS ends here and begins again, so that what is inside can be sinned with. */
  readonly opensTls?: boolean
}

/** Enough for every pattern; bodies of megabytes are not searched. */
const rememberedBytes = 32 * 1024
/**
 * A server that has ended its side lets go of the socket soon after, unless the client is still
 * sending.
 */
const lingerMs = 250

const tlsFile = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))

export class Middleman {
  readonly #sin: WireSin
  readonly #upstream: Upstream
  readonly #server: Server
  readonly #open = new Set<Socket>()
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()

  private constructor(sin: WireSin, upstream: Upstream) {
    this.#sin = sin
    this.#upstream = upstream
    const accept = (client: Socket) => this.#accept(client)
    const options = { allowHalfOpen: true, noDelay: true }
    this.#server = upstream.opensTls
      ? createTlsServer(
          { ...options, cert: tlsFile('cert'), key: tlsFile('key'), ALPNProtocols: ['h2', 'http/1.1'] },
          accept,
        )
      : createServer(options, accept)
    this.#server.on('tlsClientError', () => {})
  }

  static async listen(sin: WireSin, upstream: Upstream): Promise<Middleman> {
    const middleman = new Middleman(sin, upstream)
    await new Promise<void>((resolve) => middleman.#server.listen(0, '127.0.0.1', resolve))
    return middleman
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  close(): void {
    this.#server.close()
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#open) socket.destroy()
  }

  #accept(client: Socket): void {
    const { port, opensTls } = this.#upstream
    const server: Socket = opensTls
      ? connectTls({
          ...{ port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true },
          ALPNProtocols: [(client as TLSSocket).alpnProtocol || 'http/1.1'],
        })
      : connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    for (const socket of [client, server]) {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    }
    this.#relay(client, server)
  }

  #relay(client: Socket, server: Socket): void {
    const sin = this.#sin
    const when = new RegExp(sin.when ?? '', 's')
    const connectedMs = performance.now()
    let heard = ''
    let heardMs = 0
    let begun = false
    let ended = false
    let quiet: ReturnType<typeof setTimeout> | undefined
    let sins = when.test(heard)
    const loses = sin.loses && losing((type) => sins && (sin.loses?.includes(type) ?? false))

    /** Its own misdeeds, once there is reason for them. */
    const begin = () => {
      const { hangsUp } = sin
      if (begun || !sins) return
      begun = true
      if (sin.interjects !== undefined) client.write(sin.interjects)
      if (sin.dies) this.#server.close()
      if (!hangsUp || hangsUp.from === 'said') return
      const passedMs = hangsUp.from === 'connected' ? performance.now() - connectedMs : 0
      this.#after(Math.max(0, hangsUp.afterMs - passedMs), () => sins && end(hangsUp.by))
    }
    const end = (how: 'fin' | 'reset' | 'never') => {
      if (ended || how === 'never') return
      ended = true
      if (how === 'reset') return reset(client)
      client.end((sins && sin.lastWords) || '')
      if (!(sin.keeps && sins)) letGo()
    }
    const closeWhenQuiet = ({ by, afterMs }: NonNullable<WireSin['hangsUp']>) => {
      clearTimeout(quiet)
      quiet = this.#after(afterMs, () => end(by))
    }
    const letGo = (): void => {
      const quietMs = performance.now() - heardMs
      if (quietMs < lingerMs) this.#after(lingerMs - quietMs, letGo)
      // What is not yet written goes out first.
      else if (client.writableFinished) client.destroy()
      else client.once('finish', () => client.destroy())
    }
    const serverEnds = (how: 'fin' | 'reset') => {
      if (!sins) end(how)
      else if (typeof sin.end === 'object') this.#after(sin.end.lateMs, () => end(how))
      else end(sin.end ?? (sin.lastWords === undefined ? how : 'fin'))
    }

    client.on('data', (chunk: Buffer) => {
      heardMs = performance.now()
      if (heard.length < rememberedBytes) {
        heard += chunk.toString('latin1', 0, rememberedBytes)
        sins = when.test(heard)
      }
      begin()
      if (sin.deaf && sins) return
      const passed = sin.hears && sins ? rewritten(chunk, sin.hears) : chunk
      if (passed.length > 0 && !server.write(passed)) client.pause()
    })
    server.on('drain', () => client.resume())
    server.on('data', (chunk: Buffer) => {
      if (ended) return
      const kept = loses && heard.startsWith('PRI') ? loses(chunk) : chunk
      const passed = sin.says && sins ? rewritten(kept, sin.says) : kept
      if (passed.length > 0 && !client.write(passed)) server.pause()
      if (sin.hangsUp?.from === 'said' && sins) closeWhenQuiet(sin.hangsUp)
    })
    client.on('drain', () => server.resume())

    client.on('end', () => {
      if (sin.finEndsAll && sins) {
        client.destroy()
        server.destroy()
      } else if (sin.keeps && sins) ended = true
      else server.end()
    })
    client.on('error', () => reset(server))
    client.on('close', () => server.destroy())
    server.on('end', () => serverEnds('fin'))
    server.on('error', () => serverEnds('reset'))
    begin()
  }

  #after(ms: number, act: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, ms)
    this.#timers.add(timer)
    return timer
  }
}

/** Inside TLS there is no RST; what is under it is not ours to reach. */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}

function rewritten(chunk: Buffer, [pattern, replacement]: readonly [string, string]): Buffer {
  return Buffer.from(chunk.toString('latin1').replace(new RegExp(pattern, 'gs'), replacement), 'latin1')
}

/** Frames that are not lost, whole; what is still incomplete waits. */
function losing(isLost: (type: FrameType) => boolean): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const kept: Buffer[] = []
    for (;;) {
      const length = rest.length < 9 ? Number.POSITIVE_INFINITY : 9 + rest.readUIntBE(0, 3)
      if (rest.length < length) return Buffer.concat(kept)
      const frame = rest.subarray(0, length)
      rest = rest.subarray(length)
      if (!isLost(frameTypes[frame[3] as number] as FrameType)) kept.push(frame)
    }
  }
}
