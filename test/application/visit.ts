/** One case over one transport: its steps, then a request that must be answered as ever. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Seen } from './answer-reader.ts'
import { type Answer, type Ask, type Case, type Step, secret, type Transport } from './case.ts'
import { type Address, Http1Client, patienceMs, requestOf } from './http1-client.ts'
import { Http2Client } from './http2-client.ts'
import { isLast, matches, wrongWithAny } from './judge.ts'

/** A case that came out otherwise than it must. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

export interface Visited {
  readonly wrong: string | null
  /** Answers that were a 500 or cut. */
  readonly errors: number
}

type Wanted = Answer | readonly Answer[]

const hello: Ask = { at: '' }
const helloAnswer: Answer = { status: 200, body: 'hello\n', connection: 'kept' }

/** Connections that are free, to a server that speaks HTTP/1.1. */
export class Pool {
  readonly address: Address
  #free: Http1Client[] = []

  constructor(address: Address) {
    this.address = address
  }

  async take(): Promise<Http1Client> {
    for (;;) {
      const client = this.#free.pop() ?? (await Http1Client.at(this.address))
      if (client.end !== 'open') continue
      client.all.length = 0
      return client
    }
  }

  give(client: Http1Client): void {
    this.#free.push(client)
  }

  close(): void {
    for (const client of this.#free) client.destroy()
    this.#free = []
  }
}

abstract class Visit {
  protected readonly theCase: Case
  protected readonly path: string
  protected readonly pool: Pool
  errors = 0

  constructor(theCase: Case, over: Transport, pool: Pool) {
    this.theCase = theCase
    this.path = `/${over}/${theCase.id}`
    this.pool = pool
  }

  async run(): Promise<Visited> {
    let wrong: string | null = null
    try {
      for (const step of this.theCase.steps) await this.step(step)
      await this.after()
      if (this.received().includes(secret)) throw new Wrong('the client was shown the error')
    } catch (error) {
      if (error instanceof Wrong) wrong = error.message
      else wrong = `the client failed: ${(error as Error).stack}`
    } finally {
      this.leave(wrong === null)
    }
    return { wrong, errors: this.errors }
  }

  protected async step(step: Step): Promise<void> {
    if ('ask' in step) {
      for (let time = 0; time < (step.times ?? 1); time++)
        await this.ask(step.ask, step.sees, step.times ? ` (${time + 1})` : '')
    } else if ('wait' in step) await sleep(step.wait)
    else if ('notes' in step) await this.notes(step.notes)
    else if ('abandons' in step) await this.abandon(step)
    else if ('together' in step) {
      const asked = step.together.map(async ({ ask, sees }, place) => {
        await sleep(place * step.ms)
        await this.apart(ask, sees)
      })
      const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected')
      if (failed) throw (failed as PromiseRejectedResult).reason
    } else await this.raw(step)
  }

  protected judge(ask: Ask, seen: Seen, wanted: Wanted, http2: boolean, more = ''): Answer {
    if (seen.status === 500 || (seen.ending !== 'whole' && seen.ending !== 'waiting')) this.errors += 1
    const { wrong, right } = wrongWithAny(seen, wanted, http2)
    if (wrong === null) return right
    throw new Wrong(`${ask.method ?? 'GET'} …${ask.at ?? ''}${ask.version ? ' HTTP/1.0' : ''}${more}: ${wrong}`)
  }

  /** A word of the application's about the case, on a connection apart. */
  private async told<T>(what: 'notes' | 'asked'): Promise<T> {
    const client = await this.pool.take()
    await client.ask({}, `/${what}${this.path}`, 'a')
    const seen = await client.read(false)
    if (seen.ending === 'whole') this.pool.give(client)
    else client.destroy()
    if (seen.status !== 200) throw new Wrong(`the ${what} were not answered: ${seen.status} ${seen.ending}`)
    return JSON.parse(seen.body.toString()) as T
  }

  /** Begins a request, and waits until the application has it. */
  protected async begun<T>(begin: () => T): Promise<T> {
    const before = await this.told<number>('asked')
    const result = begin()
    for (const until = performance.now() + patienceMs; (await this.told<number>('asked')) === before; await sleep(5)) {
      if (performance.now() > until) throw new Wrong('the application was not asked')
    }
    return result
  }

  /** What the handler notes, until it is as it must be. */
  private async notes(wanted: readonly (string | RegExp)[] | null): Promise<void> {
    const until = performance.now() + (wanted === null ? 0 : patienceMs)
    for (;;) {
      const noted = await this.told<string[]>('notes')
      const fits =
        wanted === null ? noted.length === 0 : wanted.every((one, place) => matches(one, noted[place] ?? '\0'))
      if (fits) return
      if (performance.now() > until)
        throw new Wrong(`the handler noted ${JSON.stringify(noted)}, not ${wanted ?? 'nothing'}`)
      await sleep(20)
    }
  }

  protected abstract ask(ask: Ask, wanted: Wanted, more: string): Promise<void>
  protected abstract apart(ask: Ask, wanted: Wanted): Promise<void>
  protected abstract abandon(step: Extract<Step, { abandons: Ask }>): Promise<void>
  protected abstract raw(step: Step): Promise<void>
  protected abstract after(): Promise<void>
  protected abstract received(): Buffer
  protected abstract leave(sound: boolean): void
}

export class Http1Visit extends Visit {
  #client: Http1Client | null = null
  /** Its last answer left it open whether the connection goes on. */
  #mayEnd = false
  /** Clients that this visit has let go of. */
  readonly #gone: Http1Client[] = []
  readonly #host: string

  constructor(theCase: Case, over: Transport, pool: Pool) {
    super(theCase, over, pool)
    this.#host = `${pool.address.host}:${pool.address.port}`
  }

  async #take(): Promise<Http1Client> {
    this.#client ??= await this.pool.take()
    return this.#client
  }

  #drop(): void {
    if (this.#client === null) return
    this.#client.destroy()
    this.#gone.push(this.#client)
    this.#client = null
  }

  protected async ask(ask: Ask, wanted: Wanted, more = ''): Promise<void> {
    const client = await this.#take()
    await Promise.all([client.ask(ask, this.path, this.#host), this.#read(client, ask, wanted, more)])
  }

  async #read(client: Http1Client, ask: Ask, wanted: Wanted, more = ''): Promise<void> {
    const seen = await client.read(ask.method === 'HEAD')
    const behind = seen.status === 0 && client.usedBy !== null ? `, behind ${client.usedBy}` : ''
    const right = this.judge(ask, seen, wanted, false, more + behind)
    client.usedBy = null
    if (right.cut) {
      // Its end was seen: that is what cut it.
      this.#drop()
      return
    }
    if (seen.status === 101) return
    await this.#then(client, ask, seen, right)
  }

  /** What must become of the connection after a whole answer. */
  async #then(client: Http1Client, ask: Ask, seen: Seen, right: Answer): Promise<void> {
    const hasBody = ask.body !== undefined || ask.chunks !== undefined || ask.upload !== undefined
    const then = right.connection ?? (hasBody || ask.version !== undefined ? 'either' : 'kept')
    const last = isLast(seen, ask)
    this.#mayEnd = then === 'either'
    if (then === 'kept' && last) throw new Wrong('the answer says that it is the last of its connection')
    if (then !== 'closed' && then !== 'ended' && !last) {
      if (client.end === 'reset') throw new Wrong('the connection was reset after the answer')
      if (client.end === 'fin') this.#drop()
      return
    }
    await client.until(() => client.end !== 'open', patienceMs)
    if (client.end !== 'fin' && !(then === 'ended' && client.end === 'reset'))
      throw new Wrong(`the connection is ${client.end} after its last answer, not closed`)
    if (client.left.length > 0) throw new Wrong(`${client.left.length} bytes after the last answer`)
    this.#drop()
  }

  protected async apart(ask: Ask, wanted: Wanted): Promise<void> {
    const client = await Http1Client.at(this.pool.address)
    try {
      await client.ask(ask, this.path, this.#host)
      this.judge(ask, await client.read(ask.method === 'HEAD'), wanted, false)
    } finally {
      client.destroy()
    }
  }

  protected async abandon({ abandons, by, after }: Extract<Step, { abandons: Ask }>): Promise<void> {
    const client = await Http1Client.at(this.pool.address)
    try {
      if ('ms' in after) {
        await this.begun(() => client.ask(abandons, this.path, this.#host))
        await sleep(after.ms)
      } else {
        await client.ask(abandons, this.path, this.#host)
        const seen = await client.read(abandons.method === 'HEAD', (bytes) => bytes >= after.bytes)
        if (seen.body.length < after.bytes) throw new Wrong(`only ${seen.body.length} bytes of the answer came`)
      }
      if (by === 'reset') client.reset()
      else {
        client.finish()
        await client.until(() => client.end !== 'open', 1_000)
      }
    } finally {
      client.destroy()
    }
  }

  protected async raw(step: Step): Promise<void> {
    const client = await this.#take()
    if ('sendsHex' in step) {
      client.send(Buffer.from(step.sendsHex, 'hex'))
      const came = (await client.take(step.receivesHex.length / 2)).toString('hex')
      if (came !== step.receivesHex) throw new Wrong(`${came || 'nothing'} came, not ${step.receivesHex}`)
      this.#drop()
      return
    }
    if ('sends' in step) {
      client.send(step.sends.replaceAll('{path}', this.path).replaceAll('{host}', this.#host))
      const heads = [...step.sends.matchAll(/^([A-Z]+) \S+ HTTP\/(1\.\d)\r$/gm)]
      for (const [place, wanted] of step.sees.entries()) {
        const ask: Ask = {
          method: heads[place]?.[1] ?? 'GET',
          ...(heads[place]?.[2] === '1.0' && { version: '1.0' as const }),
        }
        await this.#pipelined(client, ask, wanted, place === step.sees.length - 1)
      }
      return
    }
    if (!('pipelines' in step)) return

    client.send(Buffer.concat(step.pipelines.map((ask) => requestOf(ask, this.path, this.#host))))
    for (const [place, ask] of step.pipelines.entries()) {
      await this.#pipelined(client, ask, step.sees[place]!, place === step.pipelines.length - 1)
    }
  }

  async #pipelined(client: Http1Client, ask: Ask, wanted: Wanted, last: boolean): Promise<void> {
    if (last) return this.#read(client, ask, wanted)
    this.judge(ask, await client.read(ask.method === 'HEAD'), wanted, false)
  }

  protected async after(): Promise<void> {
    const used = this.#client
    let client = await this.#take()
    await client.ask(hello, '/hello', this.#host)
    let seen = await client.read(false)
    if (used !== null && this.#mayEnd && seen.status === 0 && client.end !== 'open') {
      this.#drop()
      client = await this.#take()
      await client.ask(hello, '/hello', this.#host)
      seen = await client.read(false)
    }
    if (used !== null && seen.status === 0 && client.end !== 'open') {
      throw new Wrong('the connection ended without a word before the next request')
    }
    this.judge(hello, seen, helloAnswer, false, ', the next request')
    if (client.left.length > 0) throw new Wrong(`${client.left.length} bytes after the next answer`)
  }

  protected received(): Buffer {
    return Buffer.concat([...this.#gone, ...(this.#client ? [this.#client] : [])].flatMap(({ all }) => all))
  }

  protected leave(sound: boolean): void {
    if (sound && this.#client?.end === 'open') {
      this.#client.usedBy = this.theCase.id
      this.pool.give(this.#client)
    } else this.#drop()
  }
}

/** Sessions that are free. A fault of one case may end its session, and must not end another's. */
export class Sessions {
  readonly #address: Address
  #free: Http2Client[] = []

  constructor(address: Address) {
    this.#address = address
  }

  async take(): Promise<Http2Client> {
    for (;;) {
      const client = this.#free.pop() ?? (await Http2Client.open(this.#address))
      if (!client.isOpen) continue
      client.all.length = 0
      return client
    }
  }

  give(client: Http2Client): void {
    this.#free.push(client)
  }

  close(): void {
    for (const client of this.#free) client.destroy()
    this.#free = []
  }
}

export class Http2Visit extends Visit {
  readonly #sessions: Sessions
  #client: Http2Client | null = null

  constructor(theCase: Case, over: Transport, pool: Pool, sessions: Sessions) {
    super(theCase, over, pool)
    this.#sessions = sessions
  }

  async #take(): Promise<Http2Client> {
    this.#client ??= await this.#sessions.take()
    return this.#client
  }

  protected async ask(ask: Ask, wanted: Wanted, more = ''): Promise<void> {
    const client = await this.#take()
    const seen = await client.ask(ask, this.path)
    const behind = seen.status === 0 && client.usedBy !== null ? `, behind ${client.usedBy}` : ''
    this.judge(ask, seen, wanted, true, more + behind)
    client.usedBy = null
  }

  protected apart(ask: Ask, wanted: Wanted): Promise<void> {
    return this.ask(ask, wanted)
  }

  protected async abandon({ abandons, after }: Extract<Step, { abandons: Ask }>): Promise<void> {
    const client = await this.#take()
    const start = () => client.start(abandons, this.path)
    const stream = 'ms' in after ? await this.begun(start) : start()
    if ('ms' in after) await sleep(after.ms)
    else {
      const seen = await client.read(stream, (bytes) => bytes >= after.bytes)
      if (seen.body.length < after.bytes) throw new Wrong(`only ${seen.body.length} bytes of the answer came`)
    }
    stream.close(8)
  }

  protected async raw(): Promise<void> {}

  protected async after(): Promise<void> {
    const client = await this.#take()
    if (!client.isOpen) throw new Wrong('the session ended')
    this.judge(hello, await client.ask(hello, '/hello'), helloAnswer, true, ', the next request')
  }

  protected received(): Buffer {
    return Buffer.concat(this.#client?.all ?? [])
  }

  protected leave(sound: boolean): void {
    if (this.#client === null) return
    this.#client.usedBy = this.theCase.id
    if (sound && this.#client.isOpen) this.#sessions.give(this.#client)
    else this.#client.destroy()
    this.#client = null
  }
}
