/**
 * What clients do to one server in a soak: requests whose responses are checked to the byte,
 * streams whose events are numbered, and clients that leave, stall or say nothing. What an honest
 * client does not get back is lost.
 */
import { createHash, randomBytes } from 'node:crypto'
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { largeBytes } from './large.ts'

const answerWithinMs = 20_000

export interface Target {
  readonly name: string
  readonly port: number
  readonly secure: boolean
}

/** What the servers' `Keep-Alive` promises: no connection is closed sooner after a response. */
const promisedMs = 2_000

export interface Tally {
  /** Responses, events and messages that were to come back. */
  asked: number
  /**
   * Closed because this process was too late, by `Keep-Alive` or by standing still: on a machine
   * that does other things a client is no better than that.
   */
  late: number
  readonly lost: string[]
  /** Clients that left in the middle of something, stalled, or said nothing. */
  rude: number
}

class TooLate extends Error {}

/**
 * For how long this process stood still in the last seconds: all its pauses, since a response that
 * is read after one and a request that is sent after another are late by both.
 */
const stood = {
  stillMs: 0,
  watch(): void {
    const everyMs = 100
    let [last, recent] = [performance.now(), [] as number[]]
    setInterval(() => {
      const now = performance.now()
      recent = [...recent.slice(-50), Math.max(0, now - last - everyMs)]
      stood.stillMs = recent.reduce((sum, ms) => sum + ms, 0)
      last = now
    }, everyMs).unref()
  },
}
stood.watch()

const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex')

export class Traffic {
  readonly tally: Tally = { asked: 0, late: 0, lost: [], rude: 0 }
  readonly #target: Target
  readonly #random: () => number
  readonly #agent: Agent
  /**
   * When the head of its last response was here. By then the server may have written all of it, and
   * what it promises runs from there: who reads 2 MB for two seconds has had the time.
   */
  readonly #answeredAt = new WeakMap<object, number>()
  #stop = new AbortController()
  #loops: Promise<void>[] = []

  constructor(target: Target, random: () => number) {
    this.#target = target
    this.#random = random
    const kept = { keepAlive: true, maxSockets: 16 }
    this.#agent = target.secure ? new SecureAgent({ ...kept, rejectUnauthorized: false }) : new Agent(kept)
  }

  start(): void {
    this.#stop = new AbortController()
    this.#loops = []
    const many = (count: number, act: () => Promise<void>, from: number, to: number) => {
      for (let i = 0; i < count; i++) this.#loops.push(this.#loop(act, from, to))
    }
    many(3, () => this.#hello(), 20, 100)
    // Past the idle limit: the next request meets a connection that has just been closed, or is about to be.
    many(2, () => this.#hello(), 1_500, 4_500)
    many(2, () => this.#post(), 50, 250)
    many(2, () => this.#events(), 0, 500)
    many(2, () => this.#webSocket(), 0, 500)
    many(1, () => this.#slowReader(), 100, 2_000)
    many(2, () => this.#leave(), 50, 400)
    many(1, () => this.#stall(), 100, 1_000)
    many(1, () => this.#silence(), 100, 1_000)
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    // Those that are kept; it opens others when it is asked again.
    this.#agent.destroy()
  }

  /** One request outside the loops. */
  ask(path: string): Promise<Uint8Array> {
    return this.#answer({ path })
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  #between(from: number, to: number): number {
    return from + this.#random() * (to - from)
  }

  async #loop(act: () => Promise<void>, from: number, to: number): Promise<void> {
    while (!this.#stopped) {
      await this.#sleep(this.#between(from, to))
      if (!this.#stopped) await act()
    }
  }

  /** Shorter when the soak ends. */
  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
    })
  }

  async #expect(what: string, work: () => Promise<unknown>): Promise<void> {
    this.tally.asked += 1
    try {
      const wrong = await work()
      if (wrong !== undefined) this.#lose(`${what}: ${wrong}`)
    } catch (error) {
      if (error instanceof TooLate) this.tally.late += 1
      else this.#lose(`${what}: ${(error as Error).message}`)
    }
  }

  /** Unless this process stood still for so long that a limit was over: the machine's doing. */
  #lose(what: string): void {
    if (stood.stillMs > promisedMs) this.tally.late += 1
    else this.tally.lost.push(`${new Date().toISOString()} ${this.#target.name} ${what}`)
  }

  #request(options: RequestOptions): ClientRequest {
    const ask = this.#target.secure ? secureRequest : request
    return ask({ host: '127.0.0.1', port: this.#target.port, agent: this.#agent, ...options })
  }

  #response(options: RequestOptions, body?: Uint8Array): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asked = this.#request(options)
      const timer = setTimeout(() => asked.destroy(new Error('no response')), answerWithinMs)
      let [idleMs, askedAt] = [0, performance.now()]
      asked.once('socket', (socket) => {
        askedAt = performance.now()
        idleMs = askedAt - (this.#answeredAt.get(socket) ?? Number.POSITIVE_INFINITY)
      })
      asked.once('response', (response) => {
        clearTimeout(timer)
        this.#answeredAt.set(response.socket, performance.now())
        if (response.statusCode === 200) resolve(response)
        else {
          response.resume()
          reject(new Error(`status ${response.statusCode}`))
        }
      })
      asked.once('error', (error) => {
        clearTimeout(timer)
        if (asked.reusedSocket && idleMs + stood.stillMs > promisedMs) {
          reject(new TooLate())
          return
        }
        const kept = asked.reusedSocket ? ` on a connection kept for ${Math.round(idleMs)} ms` : ''
        reject(new Error(`${error.message} after ${Math.round(performance.now() - askedAt)} ms${kept}`))
      })
      asked.end(body)
    })
  }

  async #answer(options: RequestOptions, body?: Uint8Array, pauseMs = 0): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of await this.#response(options, body)) {
      pieces.push(piece)
      if (pauseMs > 0 && !this.#stopped) await this.#sleep(pauseMs)
    }
    return Buffer.concat(pieces)
  }

  #hello(): Promise<void> {
    return this.#expect('hello', async () => {
      const text = Buffer.from(await this.#answer({ path: '/' })).toString()
      if (text !== 'hello\n') return JSON.stringify(text)
    })
  }

  #post(): Promise<void> {
    return this.#expect('POST', async () => {
      const body = randomBytes(Math.ceil(Math.exp(this.#between(0, Math.log(300_000)))))
      const framing = this.#random() < 0.5 ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': body.length }
      const digest = await this.#answer({ path: '/digest', method: 'POST', headers: framing }, body)
      if (Buffer.from(digest).toString() !== sha1(body)) return 'another digest'
    })
  }

  #slowReader(): Promise<void> {
    return this.#expect('slow reader', async () => {
      const body = await this.#answer({ path: '/large' }, undefined, 20)
      if (body.length !== largeBytes || body.some((byte) => byte !== 0x61)) return `${body.length} bytes`
    })
  }

  async #events(): Promise<void> {
    await this.#expect('event stream', async () => {
      const response = await this.#response({ path: '/events?every=100ms' })
      let last = 0
      let rest = ''
      let wrong: string | undefined
      response.setEncoding('latin1').on('data', (text: string) => {
        rest += text
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
          const id = Number(rest.slice('data: '.length, end))
          rest = rest.slice(end + 2)
          this.tally.asked += 1
          if (id !== last + 1) wrong ??= `${id} after ${last}`
          last = id
        }
      })
      const ended = new Promise<void>((resolve) => {
        response.once('close', () => resolve()).on('error', () => {})
      })
      await Promise.race([this.#sleep(this.#between(2_000, 15_000)), ended])
      if (response.closed) wrong ??= `ended after ${last}`
      response.destroy()
      return wrong
    })
  }

  async #webSocket(): Promise<void> {
    await this.#expect('WebSocket', async () => {
      const { port, secure } = this.#target
      const socket = new WebSocket(`${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/ws`, {
        rejectUnauthorized: false,
        handshakeTimeout: answerWithinMs,
      })
      let [sent, came] = [0, 0]
      let wrong: string | undefined
      socket.on('error', (error) => {
        wrong ??= error.message
      })
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      await Promise.race([new Promise((resolve) => socket.once('open', resolve)), closed])
      if (socket.readyState !== WebSocket.OPEN) return wrong ?? 'not opened'
      socket.on('message', (data) => {
        came += 1
        if (String(data) !== String(came)) wrong ??= `${data} instead of ${came}`
      })
      const until = performance.now() + this.#between(2_000, 15_000)
      while (performance.now() < until && !this.#stopped && socket.readyState === WebSocket.OPEN) {
        sent += 1
        this.tally.asked += 1
        socket.send(String(sent))
        await this.#sleep(100)
      }
      if (socket.readyState !== WebSocket.OPEN) wrong ??= `closed after ${came} of ${sent}`
      for (let wait = 0; came < sent && wait < 100; wait++) await new Promise((resolve) => setTimeout(resolve, 50))
      if (came < sent) wrong ??= `${sent - came} of ${sent} did not come back`
      socket.close(1000)
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5_000))])
      socket.terminate()
      return wrong
    })
  }

  /** In the middle of something, by a FIN or a reset. */
  async #leave(): Promise<void> {
    this.tally.rude += 1
    const asked = this.#rudeRequest()
    asked.on('error', () => {})
    asked.once('response', (response) => response.on('error', () => {}))
    await this.#sleep(this.#between(0, 120))
    if (this.#random() < 0.5 && !this.#target.secure) (asked.socket as Socket | null)?.resetAndDestroy()
    asked.destroy()
  }

  #rudeRequest(): ClientRequest {
    const options = { agent: false } as const
    const secure = { rejectUnauthorized: false }
    const kinds = [
      () => this.#request({ ...options, ...secure, path: '/large' }).end(),
      () => this.#request({ ...options, ...secure, path: '/slow?ms=2s' }).end(),
      () => this.#request({ ...options, ...secure, path: '/events?every=100ms' }).end(),
      () => {
        const headers = { 'Content-Length': 200_000 }
        const asked = this.#request({ ...options, ...secure, path: '/digest', method: 'POST', headers })
        asked.write(Buffer.alloc(50_000))
        return asked
      },
    ]
    return kinds[Math.floor(this.#random() * kinds.length)]!()
  }

  /** Asks for what is large and takes nothing. */
  async #stall(): Promise<void> {
    this.tally.rude += 1
    const asked = this.#request({ agent: false, path: '/large', ...{ rejectUnauthorized: false } })
    asked.on('error', () => {})
    asked.once('response', (response) => response.on('error', () => {}).pause())
    asked.end()
    await this.#sleep(this.#between(1_000, 12_000))
    asked.destroy()
  }

  /** Half a request, half a handshake, or nothing. */
  async #silence(): Promise<void> {
    this.tally.rude += 1
    const socket = connect(this.#target.port, '127.0.0.1').on('error', () => {})
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const half = this.#target.secure ? Buffer.from('160301', 'hex') : 'GET / HTTP/1.1\r\nHo'
    if (this.#random() < 0.7) socket.write(half)
    await Promise.race([this.#sleep(this.#between(100, 6_000)), closed])
    socket.destroy()
  }
}
