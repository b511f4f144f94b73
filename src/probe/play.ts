/** One case on its way through a target: what its words share. Each word is in `words/`. */
import { type Clock, systemClock } from '../lifecycle/clock.ts'
import { every, sleep } from '../lifecycle/time.ts'
import type { OptionName } from '../policy/policy.ts'
import { chunk } from './cases/texts.ts'
import { authorityOf, Connection, type ConnectOptions } from './client/client.ts'
import type { ReceivedResponse } from './client/response.ts'
import type { ServerProcess, Target } from './client/target.ts'
import { fillPages } from './find/routes.ts'
import { CaseError } from './judge/verdict.ts'
import { dueWindow, spanMs } from './judge/window.ts'
import type { Anchor, Due, Span } from './terms.ts'

/** What the verdict and the report are told of a case that passed, or had come so far. */
export interface Observation {
  observed: string | null
  observedMs: number | null
  /** When it was due. */
  expected: Expected | null
  /** An end was accepted only because the server is known for it. */
  usedDeviation: boolean
}

export const nothingSeen = (): Observation => ({
  observed: null,
  observedMs: null,
  expected: null,
  usedDeviation: false,
})

/** A window, counted from an anchor: `dueWindow` as it came out. */
export interface Expected {
  readonly from: Anchor
  /** When that was. */
  readonly fromMs: number
  /** Null: it cannot be too early. */
  readonly earliestMs: number | null
  readonly latestMs: number
  /** The limits that say so; none: it is due soon, whatever the limits are. */
  readonly by: readonly OptionName[]
}

/** Between two looks at what nobody reports. */
export const pollMs = 25
/** A process that is later than this cannot tell any more, and says so. */
export const forgivenLagMs = 250

interface PlayOptions {
  /** Ends that are accepted everywhere, because this server is known for them. */
  readonly tolerated?: readonly string[] | undefined
  /**
   * How late this process has been with what it saw; windows are wider by that, up to
   * `forgivenLagMs`.
   */
  readonly lagMs?: () => number
}

export class Play {
  readonly target: Target
  readonly seen: Observation
  readonly clock: Clock
  readonly tolerated: readonly string[]
  readonly opened: Connection[] = []
  /** Responses on the current connection that steps have already looked at. */
  taken = 0
  signalledMs = 0
  #current: Connection | null = null
  readonly #lagMs: () => number
  readonly #cleanups: (() => void)[] = []

  constructor(target: Target, seen: Observation, { tolerated = [], lagMs = () => 0 }: PlayOptions = {}) {
    this.target = target
    this.seen = seen
    this.clock = target.clock ?? systemClock
    this.tolerated = tolerated
    this.#lagMs = lagMs
  }

  /** The same target for one client more, with eyes of its own. */
  beside(seen: Observation): Play {
    return new Play(this.target, seen, { tolerated: this.tolerated, lagMs: this.#lagMs })
  }

  /** Ends everything that the words have begun. */
  close(): void {
    for (const connection of this.opened) connection.destroy()
    for (const cleanup of this.#cleanups) cleanup()
  }

  /** Called at the end of the case, however that comes. */
  atEnd(cleanup: () => void): void {
    this.#cleanups.push(cleanup)
  }

  // Time

  now(): number {
    return this.clock.now()
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms, this.clock)
  }

  /** Calls back every so many ms until the case ends or the callback returns false. */
  every(ms: number, callback: () => boolean): void {
    const stop = every(ms, this.clock, () => {
      if (!callback()) stop()
    })
    this.atEnd(stop)
  }

  ms(span: Span): number {
    return spanMs(span, this.target)
  }

  // Connections

  /** A new connection, which the steps that follow are about. */
  async connect(options: ConnectOptions = {}): Promise<Connection> {
    let connection: Connection
    try {
      connection = await Connection.open(this.target, options)
    } catch (error) {
      throw new CaseError('setup-failed', `no connection: ${(error as Error).message}`)
    }
    this.opened.push(connection)
    this.#current = connection
    this.taken = 0
    return connection
  }

  /** The connection that the steps are about. */
  async connection(): Promise<Connection> {
    return this.#current ?? (await this.connect())
  }

  /** The response to a request on a fresh connection, beside the one that the case is about. */
  async aside(line: string, fields = ''): Promise<ReceivedResponse> {
    const connection = await Connection.open(this.target).catch((error: Error) => {
      throw new CaseError('fail', `a new connection is not accepted: ${error.message}`)
    })
    this.opened.push(connection)
    connection.send(this.fill(`${line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n${fields}\r\n`))
    await connection.until(() => connection.reader.answers.length > 0, this.now() + 2_000)
    const [answer] = connection.reader.answers
    if (!answer) throw new CaseError('fail', 'a new connection is not served')
    return answer
  }

  /** Nobody has promised what the case asks for: what the RFCs leave to a server is its choice. */
  get isLenient(): boolean {
    return this.target.foreign !== undefined && !this.target.asWritten
  }

  get process(): ServerProcess {
    if (!this.target.process) throw new CaseError('not-judged', 'it needs a process that it may signal')
    return this.target.process
  }

  // What is sent

  /**
   * The text with the target's paths, host and limits in it. `more`: further placeholders, in ms.
   */
  fill(text: string, more: Readonly<Record<string, Span>> = {}): string {
    const { paths, policy, foreign } = this.target
    const words: Record<string, string> = {
      host: authorityOf(this.target),
      hintSec: String(Math.floor(policy.keepAliveHintMs / 1000)),
      localPort: String(this.#current?.localPort ?? ''),
      ...Object.fromEntries(Object.entries(more).map(([name, span]) => [name, String(this.ms(span))])),
    }
    return fillPages(text, paths, foreign)
      .replace(limitInText, (whole, as: string | undefined, name: OptionName, plus = '0') =>
        policy[name] === undefined ? whole : written(as, policy[name] + Number(plus)),
      )
      .replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole)
  }

  /**
   * Notes the requests in a text that is about to be sent: a response is read by what it answers.
   */
  noteHeads({ reader, asked }: Connection, text: string): void {
    for (const [, method] of text.matchAll(/(?:^|\r\n\r\n)([A-Z]+) \S+ HTTP\/1/g)) {
      if (method === 'HEAD') reader.toHead.add(asked.count)
      asked.count += 1
    }
  }

  // What is due

  anchorMs(connection: Connection, anchor: Anchor): number {
    return anchor === 'signalled' ? this.signalledMs : connection[`${anchor}Ms`]
  }

  /**
   * From when and until when, noted for the report; what a limit asks for is not forgotten over
   * what is due soon.
   */
  expect(connection: Connection, due: Due): { readonly from: number; readonly latestMs: number } {
    const from = this.anchorMs(connection, due.from)
    const { earliestMs, latestMs } = dueWindow(due, this.target)
    const headStartMs = 'by' in due && due.soonestFrom ? from - this.anchorMs(connection, due.soonestFrom) : 0
    if (this.seen.expected === null || 'by' in due) {
      this.seen.expected = {
        from: due.from,
        fromMs: from,
        earliestMs: Number.isFinite(earliestMs) ? earliestMs - headStartMs : null,
        latestMs,
        by: 'by' in due ? due.by : [],
      }
    }
    return { from, latestMs }
  }

  /** `headStartMs`: how much sooner than our own clock the server's may have started. */
  inTime(what: string, tookMs: number, due: Due, plusMs = 0, headStartMs = 0): void {
    const { latestMs, ...window } = dueWindow(due, this.target)
    const earliestMs = window.earliestMs - headStartMs
    this.seen.observed ??= what
    if ('by' in due) this.seen.observedMs = tookMs
    const was = `${what} after ${Math.round(tookMs)} ms`
    const lagMs = Math.min(this.#lagMs(), forgivenLagMs)
    if (tookMs < earliestMs - lagMs)
      throw new CaseError('fail', `${was}: too early, due from ${Math.round(earliestMs)} ms`, what)
    if (tookMs > latestMs + plusMs + lagMs)
      throw new CaseError('fail', `${was}: too late, due by ${Math.round(latestMs)} ms`, what)
  }

  // What was seen

  /** An observation that has no time. */
  note(observed: string): void {
    this.seen.observed = observed
    this.seen.observedMs = null
  }

  /** The end, and the response before it that no step has asked for. */
  label(connection: Connection): string {
    const goaway = connection.h2?.frames.findLast(({ type }) => type === 'goaway')
    if (goaway) return `goaway ${goaway.error} then ${connection.end}`
    const { answers, partial } = connection.reader
    const extra = connection === this.#current ? answers.slice(this.taken) : []
    const before = extra.map(({ status }) => `${status} then `).join('')
    return `${before}${partial ? `partial ${partial.status} then ` : ''}${connection.end}`
  }

  endedInstead(connection: Connection, where: string): CaseError {
    const label = this.label(connection)
    const afterMs = Math.round((connection.endedMs ?? this.now()) - connection.connectedMs)
    return new CaseError('fail', `${label} at ${afterMs} ms ${where}`, label)
  }
}

/**
 * `{maxBodyBytes+1}`: a limit and so much more; `{x*maxHeadBytes}`: so many bytes; `{chunks*…}`: in
 * chunks; `{fields*…}`: lines.
 */
const limitInText = /\{(?:(x|chunks|fields)\*)?([a-z]\w*)([+-]\d+)?\}/g

function written(as: string | undefined, value: number): string {
  if (as === 'x') return 'x'.repeat(value)
  if (as === 'fields') return Array.from({ length: value }, (_, i) => `X-${i}: 1\r\n`).join('')
  return as === 'chunks' ? chunk.repeat(Math.ceil(value / 1_024)) : String(value)
}
