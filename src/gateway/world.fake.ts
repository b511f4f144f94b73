/**
 * A gateway in memory, whole: clients, the socket engine, the app, its groups and pools, and
 * backends; time is a test's.
 */
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { MemoryNetwork, seeded } from '../net/memory.fake.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import type { LogLine } from '../serve/log.ts'
import type { World } from '../serve/socket-engine.ts'
import { loadGateway } from './config/load.ts'
import { gatewayOn } from './downstream/serve.ts'
import { type GatewayRuntime, type RunningGateway, startGateway } from './start.ts'

/** What a backend does with a request; `earlier`: how many came before on this connection. */
export type Behave = (request: { readonly head: string; readonly earlier: number }, socket: Transport) => void

export interface Backend {
  readonly heads: string[]
  /** Connections that were accepted, and those that are open. */
  accepted: number
  open: number
}

export const ok =
  (body: string): Behave =>
  (_, socket) =>
    void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, null)

const held: Enforced = { by: 'us', stepMs: 0, how: 'in memory', byRoute: 'in memory' }
const enforcement = Object.fromEntries(optionNames.map((option) => [option, held])) as Enforcement

export class MemoryWorld implements World {
  readonly clock = new FakeClock()
  readonly drainClock = this.clock
  readonly random: () => number
  readonly network: MemoryNetwork
  readonly log: string[] = []

  constructor(seed = 1) {
    this.random = seeded(seed)
    this.network = new MemoryNetwork(this.random)
  }

  /** Its own server speaks nothing. */
  get runtime(): GatewayRuntime {
    return gatewayOn({
      name: 'memory',
      http2: false,
      connect: this.network.connect,
      sockets: { listen: this.network.listen, enforcement: () => enforcement, descriptors: () => null },
      ownOptions: [],
      bindings: () => ({ env: () => ({}) }),
      native: () => ({ why: 'it is in memory' }),
      loadLibc: () => ({ libc: null, why: 'it is in memory' }),
      openListener: async () => ({ why: 'it is in memory' }),
      downstream: () => {
        throw new Error('only the socket engine serves in memory')
      },
    })
  }

  readonly note = ({ code }: LogLine): void => void this.log.push(code)

  /** `flags`: of `hangup gateway`; the backends are at `http://127.0.0.1:<port>`. */
  async gateway(...flags: string[]): Promise<RunningGateway> {
    const { plan } = await loadGateway([...flags, '--port', '80', '--spool-max', 'off'], {}, '/')
    return startGateway(plan, this.runtime, {
      log: this.note,
      clock: this.clock,
      drainClock: this.clock,
      random: this.random,
    })
  }

  async backend(port: number, behave: Behave): Promise<Backend> {
    const backend: Backend = { heads: [], accepted: 0, open: 0 }
    await this.network.listen({ port, host: undefined }, (socket) => {
      backend.accepted += 1
      backend.open += 1
      let input = ''
      let earlier = 0
      return {
        secured() {},
        drained() {},
        feed(bytes) {
          input += Buffer.from(bytes).toString('latin1')
          for (let end = input.indexOf('\r\n\r\n'); end >= 0; end = input.indexOf('\r\n\r\n')) {
            const head = input.slice(0, end + 4)
            input = input.slice(end + 4)
            backend.heads.push(head)
            behave({ head, earlier: earlier++ }, socket)
          }
        },
        peerEnded: () => socket.destroy(),
        gone() {
          backend.open -= 1
        },
      }
    })
    return backend
  }

  /** A connection to the gateway. */
  async client(): Promise<Client> {
    const client = new Client(this)
    await this.network.connect(
      { host: '127.0.0.1', port: 80 },
      (socket) => client.on(socket),
      new AbortController().signal,
    )
    return client
  }

  /** Resolves when nothing happens any more without time passing. */
  async settled(): Promise<void> {
    await this.network.settled()
    this.clock.pass(0)
    await this.network.settled()
  }

  /** Lets time pass in steps, each followed by whatever comes of it. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.settled()
      this.clock.pass(Math.min(stepMs, left))
    }
    await this.settled()
  }
}

export class Client implements TransportEvents {
  received = ''
  closed = false
  readonly #world: MemoryWorld
  #socket: Transport | null = null

  constructor(world: MemoryWorld) {
    this.#world = world
  }

  on(socket: Transport): this {
    this.#socket = socket
    return this
  }

  /** All statuses so far, with the reason of those that are the gateway's own. */
  get statuses(): string[] {
    return this.received
      .split(/(?=HTTP\/1\.1 \d{3})/)
      .filter((text) => text !== '')
      .map((text) => {
        const reason = /^hangup-reason: (.*)\r$/im.exec(text)?.[1]
        return text.slice(9, 12) + (reason === undefined ? '' : ` ${reason}`)
      })
  }

  async send(text: string): Promise<this> {
    this.#socket!.write(text, null)
    await this.#world.settled()
    return this
  }

  get(path = '/'): Promise<this> {
    return this.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  }

  post(body = 'x'): Promise<this> {
    return this.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  }

  async end(): Promise<void> {
    this.#socket!.end()
    await this.#world.settled()
  }

  async reset(): Promise<void> {
    this.#socket!.reset()
    await this.#world.settled()
  }

  secured(): void {}
  drained(): void {}
  feed(bytes: Uint8Array): void {
    this.received += Buffer.from(bytes).toString('latin1')
  }
  peerEnded(): void {
    this.closed = true
    this.#socket!.destroy()
  }
  gone(): void {
    this.closed = true
  }
}
