/** Carries out the words of `case.ts` on one target. */

import { isIP } from 'node:net'
import process from 'node:process'
import type { OptionName } from '../policy/policy.ts'
import type { Anchor, Case, Due, H2Event, SimpleStep, Span, Step } from './case.ts'
import { chunk } from './cases/texts.ts'
import { authorityOf, Connection } from './client/client.ts'
import { type Frame, FrameWriter } from './client/h2.ts'
import { heldByServer, rested, socketCount } from './client/kernel.ts'
import type { Answer } from './client/response.ts'
import type { Target } from './client/target.ts'
import { drainUnderLoad, keepAliveRace } from './client/traffic.ts'
import { VanishingHost } from './client/vanish.ts'
import { fillPages, slowestMs } from './find/routes.ts'
import { accepts, CaseError } from './judge/verdict.ts'
import { dueWindow, harnessSlackMs, paceMs, spanMs } from './judge/window.ts'

/** What the verdict and the report are told of a case that passed, or had come so far. */
export interface Observation {
  observed: string | null
  observedMs: number | null
  /** When it was due. */
  expected: Expected | null
  /** An end was accepted only because the server is known for it. */
  usedDeviation: boolean
}

/** A window, counted from an anchor: `dueWindow` as it came out. */
export interface Expected {
  readonly from: Anchor
  /** When that was. */
  readonly fromMs: number
  /** Null: as early as it likes. */
  readonly earliestMs: number | null
  readonly latestMs: number
  /** The limits that say so; none: it is due soon, whatever the limits are. */
  readonly by: readonly OptionName[]
}

/** Looks at the kernel's table so often. */
const pollMs = 25
/** RFC 1122 4.2.3.2: at most half a second. */
const longestAckMs = 500
/** Later than this it can't tell any more, and says so. */
export const forgivenLagMs = 250
/** TLS handshakes at once in a crowd: more would only queue up inside this process. */
const handshakesAtOnce = 25

/**
 * `tolerated`: ends that are accepted everywhere, because this server is known for them. `lagMs`: how late this process
 * has been with what it saw; windows are wider by that, up to a point. `done` rejects with a
 * `CaseError` at the first step that does not hold; every connection is closed by then.
 */
export function carryOut(
  theCase: Case,
  target: Target,
  seen: Observation,
  tolerated: readonly string[] = [],
  lagMs: () => number = () => 0,
): { readonly connections: readonly Connection[]; readonly done: Promise<void> } {
  const run = new Run(target, seen, tolerated, lagMs)
  return { connections: run.opened, done: run.all(theCase.steps).finally(() => run.close()) }
}

class Run {
  readonly opened: Connection[] = []
  readonly #target: Target
  readonly #seen: Observation
  readonly #tolerated: readonly string[]
  readonly #lagMs: () => number
  #current: Connection | null = null
  /** Answers of the current connection that steps have already looked at. */
  #taken = 0
  /** The same of its frames. */
  #framesTaken = 0
  #frames = new FrameWriter()
  #host: VanishingHost | null = null
  #kept: Connection[] = []
  #descriptors: number | null = null
  #count = 0
  /** What GET gave of the page, and what HEAD said of it where that is something else. */
  #size: { readonly bytes: number; readonly said: string | null } | null = null
  #signalledMs = 0
  readonly #background = new Set<ReturnType<typeof setInterval>>()

  constructor(target: Target, seen: Observation, tolerated: readonly string[], lagMs: () => number) {
    this.#target = target
    this.#seen = seen
    this.#tolerated = tolerated
    this.#lagMs = lagMs
  }

  async all(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#step(step)
      if (this.#target.measureMs !== undefined && isDueByLimit(step)) return
    }
  }

  close(): void {
    for (const timer of this.#background) clearInterval(timer)
    for (const connection of this.opened) connection.destroy()
    void this.#host?.forget()
  }

  async #step(step: Step): Promise<void> {
    const setup = 'setup' in step && step.setup === true
    try {
      if ('crowd' in step) await this.#crowd(step)
      else if ('crowdEnded' in step) await this.#crowdEnded(step.crowdEnded)
      else if ('race' in step) this.#note(await keepAliveRace(this.#target, step.race))
      else if ('drain' in step) this.#note(await drainUnderLoad(this.#target, step.drain))
      else await this.#simple(step)
    } catch (error) {
      if (setup && error instanceof CaseError && error.verdict === 'fail') {
        throw new CaseError('setup-failed', error.message, error.observed)
      }
      throw error
    }
  }

  async #simple(step: SimpleStep): Promise<void> {
    if ('connect' in step) await this.#connect(step.connect)
    else if ('send' in step) await this.#send(step)
    else if ('sendPieces' in step) await this.#sendPieces(step)
    else if ('h2' in step) await this.#h2(step)
    else if ('sendHex' in step) (await this.#open()).send(Buffer.from(step.sendHex, 'hex'))
    else if ('pour' in step) void (await this.#open()).pour(this.#bytes(step.pour), step.chunkBytes ?? 64 * 1024)
    else if ('answer' in step) for (let i = 0; i < (step.times ?? 1); i++) await this.#answer(step.answer)
    else if ('interim' in step) await this.#interim(step.interim)
    else if ('received' in step) await this.#received(step.received, step.within)
    else if ('receives' in step) await this.#receives(step.receives, step.within)
    else if ('frame' in step) await this.#frame(step)
    else if ('wait' in step) await sleep(this.#ms(step.wait))
    else if ('quiet' in step) await this.#quiet(step.quiet)
    else if ('staysOpen' in step) await this.#staysOpen(step.staysOpen)
    else if ('read' in step) await this.#read(step.read)
    else if ('end' in step) await this.#end(await this.#open(), step.end)
    else if ('closes' in step) await this.#closes(step.closes)
    else if ('gone' in step) await this.#gone(step.gone)
    else if ('held' in step) await this.#held(step.held)
    else if ('requestUntilClose' in step) await this.#requestUntilClose(step)
    else if ('alive' in step) await this.#aside('GET {hello}')
    else if ('counted' in step) await this.#counted(step.counted)
    else if ('signal' in step) {
      this.#signalledMs = performance.now()
      this.#process().signal(step.signal)
    } else if ('exits' in step) await this.#exits(step.exits)
    else if ('descriptors' in step) await this.#watchDescriptors(step.descriptors)
    else await this.#refused(step.refused.withinMs)
  }

  // Connections

  async #connect(how: 'tcp' | 'h2' | 'vanishing' | 'again'): Promise<Connection> {
    let connection: Connection
    if (how === 'vanishing') this.#host = await appear(this.#target)
    try {
      connection = await Connection.open(this.#target, {
        bare: how === 'tcp',
        ...(how === 'h2' && { alpn: ['h2', 'http/1.1'] }),
        ...(this.#host && { localAddress: this.#host.address }),
      })
    } catch (error) {
      throw new CaseError('setup-failed', `no connection: ${(error as Error).message}`)
    }
    this.opened.push(connection)
    this.#current = connection
    this.#taken = 0
    this.#framesTaken = 0
    this.#frames = new FrameWriter()
    if (how === 'h2' && connection.alpn !== 'h2') {
      throw new CaseError('not-judged', 'the server does not speak HTTP/2')
    }
    return connection
  }

  async #open(): Promise<Connection> {
    return this.#current ?? (await this.#connect('again'))
  }

  /** The answer to a request on a fresh connection, beside the one that the case is about. */
  async #aside(line: string, fields = ''): Promise<Answer> {
    const connection = await Connection.open(this.#target).catch((error: Error) => {
      throw new CaseError('fail', `a new connection is not accepted: ${error.message}`)
    })
    this.opened.push(connection)
    connection.send(this.#fill(`${line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n${fields}\r\n`))
    await connection.until(() => connection.reader.answers.length > 0, performance.now() + 2_000)
    const [answer] = connection.reader.answers
    if (!answer) throw new CaseError('fail', 'a new connection is not served')
    return answer
  }

  async #counted(want: Extract<SimpleStep, { counted: unknown }>['counted']): Promise<void> {
    const { status, text } = await this.#aside('POST {count}', 'Content-Length: 0\r\n')
    const now = /^\d+\s*$/.test(text) ? Number(text) : Number.NaN
    if (status !== 200 || Number.isNaN(now)) {
      throw new CaseError('setup-failed', `the count is ${status} ${JSON.stringify(text)}`)
    }
    if (want === 'note') this.#count = now
    else if (now !== this.#count + want.more) {
      throw new CaseError('fail', `the application was asked ${now - this.#count} times, wanted ${want.more}`)
    }
  }

  async #refused(withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs + harnessSlackMs
    for (;;) {
      try {
        const connection = await Connection.open(this.#target, { bare: true, timeoutMs: 500 })
        connection.destroy()
      } catch {
        return
      }
      if (performance.now() > deadlineMs) throw new CaseError('fail', 'new connections are still accepted')
      await sleep(pollMs)
    }
  }

  // Sending

  async #send(step: Extract<SimpleStep, { send: string }>): Promise<void> {
    const connection = await this.#open()
    const text = this.#fill(step.send, step.with)
    this.#noteHeads(connection, text)
    connection.send(text)
    if (step.everyMs === undefined) return
    if (step.until === 'closed') {
      const timer = setInterval(
        () => {
          if (connection.end === 'open') connection.send(text)
          else clearInterval(timer)
        },
        paceMs(step, this.#target),
      )
      this.#background.add(timer)
      return
    }
    const untilMs = step.for === undefined ? Number.POSITIVE_INFINITY : performance.now() + this.#ms(step.for)
    for (let sent = 1; sent < (step.times ?? Number.POSITIVE_INFINITY) && performance.now() < untilMs; sent++) {
      await sleep(step.everyMs)
      if (connection.end !== 'open') throw this.#endedInstead(connection, 'while it was still being sent to')
      connection.send(text)
    }
  }

  async #sendPieces({ sendPieces, bytes, everyMs }: Extract<SimpleStep, { sendPieces: string }>): Promise<void> {
    const connection = await this.#open()
    const text = this.#fill(sendPieces)
    this.#noteHeads(connection, text)
    for (let at = 0; at < text.length; at += bytes) {
      if (at > 0) await sleep(everyMs)
      if (connection.end !== 'open') throw this.#endedInstead(connection, 'while it was still being sent to')
      connection.send(text.slice(at, at + bytes))
    }
  }

  /** What has ended takes no more; that is for the step that looks for the end. */
  async #h2({ h2, times = 1, everyMs, until }: Extract<SimpleStep, { h2: unknown }>): Promise<void> {
    const connection = await this.#open()
    const next = () => this.#frames.write(h2, (text) => this.#fill(text))
    if (until === 'closed') {
      const timer = setInterval(() => {
        if (connection.end === 'open') connection.send(next())
        else clearInterval(timer)
      }, everyMs)
      this.#background.add(timer)
      return
    }
    if (everyMs === undefined) {
      connection.send(Buffer.concat(Array.from({ length: times }, next)))
      return
    }
    for (let sent = 0; sent < times && connection.end === 'open'; sent++) {
      if (sent > 0) await sleep(everyMs)
      connection.send(next())
    }
  }

  /** An answer can be read only by who knows what it answers. */
  #noteHeads({ reader, asked }: Connection, text: string): void {
    for (const [, method] of text.matchAll(/(?:^|\r\n\r\n)([A-Z]+) \S+ HTTP\/1/g)) {
      if (method === 'HEAD') reader.toHead.add(asked.count)
      asked.count += 1
    }
  }

  #fill(text: string, more: Readonly<Record<string, Span>> = {}): string {
    const { paths, policy, foreign } = this.#target
    const words: Record<string, string> = {
      host: authorityOf(this.#target),
      hintSec: String(Math.floor(policy.keepAliveHintMs / 1000)),
      localPort: String(this.#current?.localPort ?? ''),
      ...Object.fromEntries(Object.entries(more).map(([name, span]) => [name, String(this.#ms(span))])),
    }
    return fillPages(text, paths, foreign)
      .replace(limitInText, (whole, as: string | undefined, name: OptionName, more = '0') =>
        policy[name] === undefined ? whole : written(as, policy[name] + Number(more)),
      )
      .replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole)
  }

  async #read(how: Extract<SimpleStep, { read: unknown }>['read']): Promise<void> {
    const connection = await this.#open()
    if (connection.readsOn) {
      throw new CaseError('not-judged', 'over TLS a client on Deno can not stop reading: ask from Node or Bun')
    }
    if (how === 'pause') connection.pause()
    else if (how === 'resume') connection.resume()
    else connection.drip(how.bytes, how.everyMs)
  }

  async #end(connection: Connection, how: 'fin' | 'reset' | 'close' | 'vanish'): Promise<void> {
    if (how === 'vanish') {
      await this.#acknowledged(connection)
      await this.#host?.vanish()
    } else if (how === 'fin') connection.finish()
    else if (how === 'reset') connection.reset()
    else connection.destroy()
  }

  /** What the server sent has reached the client's kernel, and the server's knows: a delayed ACK (RFC 1122 4.2.3.2) may be on its way. */
  async #acknowledged(connection: Connection): Promise<void> {
    const sinceMs = performance.now()
    while (performance.now() - sinceMs < longestAckMs) {
      await sleep(pollMs)
      const row = heldByServer(this.#target.port, connection.localPort, performance.now())
      if (!row || row.unacknowledged === 0) return
    }
  }

  // Answers

  async #answer(want: Extract<SimpleStep, { answer: unknown }>['answer']): Promise<Answer> {
    const connection = await this.#open()
    const { reader } = connection
    const at = this.#taken
    const from = want.due && this.#expect(connection, want.due).from
    await connection.until(
      () => reader.answers.length > at || connection.end !== 'open' || reader.malformed !== null,
      performance.now() + this.#ms(want.within) + harnessSlackMs + slowestMs(this.#target.foreign),
    )
    const answer = reader.answers[at]
    if (!answer) {
      if (reader.malformed !== null) throw new CaseError('fail', reader.malformed)
      if (connection.end !== 'open') throw this.#endedInstead(connection, 'before the answer was whole')
      throw new CaseError('fail', `no whole answer within ${this.#ms(want.within)} ms`, this.#label(connection))
    }
    this.#taken += 1
    if (!statusIs(want.status, answer.status)) {
      if (this.#target.foreign && answer.status === 411) {
        throw new CaseError('not-judged', 'the server takes no body without a length, as it may (411, RFC 9112 6.3)')
      }
      throw new CaseError('fail', `the answer is ${answer.status}, wanted ${String(want.status)}`)
    }
    const ours = this.#target.foreign === undefined
    if (ours && want.bytes !== undefined && answer.bodyBytes !== want.bytes) {
      throw new CaseError('fail', `the body has ${answer.bodyBytes} bytes, wanted ${want.bytes}`)
    }
    if (ours && want.contains !== undefined && !answer.text.includes(this.#fill(want.contains))) {
      throw new CaseError('fail', `the body is ${JSON.stringify(answer.text)}, wanted ${this.#fill(want.contains)}`)
    }
    if (want.header) this.#checkHeader(answer, want.header)
    if (want.size) this.#checkSize(answer, want.size)
    if (want.due && from !== undefined) this.#inTime(String(answer.status), (answer.endedMs ?? 0) - from, want.due)
    return answer
  }

  /** Interim answers up to now, after a moment for one that should not come. */
  async #interim({ exactly, within }: { readonly exactly: readonly number[]; readonly within: Span }): Promise<void> {
    const connection = await this.#open()
    const { interim } = connection.reader
    await connection.until(() => interim.length > exactly.length, performance.now() + this.#ms(within))
    if (interim.join() !== exactly.join()) {
      throw new CaseError('fail', `interim answers: ${interim.join() || 'none'}, wanted ${exactly.join() || 'none'}`)
    }
  }

  #checkHeader(answer: Answer, want: { name: string; matches?: string | undefined; absent?: true | undefined }): void {
    const value = answer.headers.get(want.name)
    if (want.absent ? value !== null : value === null) {
      throw new CaseError('fail', `the header ${want.name} is ${want.absent ? `there: ${value}` : 'missing'}`)
    }
    const pattern = want.matches === undefined ? null : this.#fill(want.matches)
    if (pattern !== null && !new RegExp(pattern, 'i').test(value ?? '')) {
      throw new CaseError('fail', `the header ${want.name} is ${JSON.stringify(value)}, wanted ${pattern}`)
    }
  }

  /** A page may have changed between two requests, so nobody is blamed before its size has been seen once more. */
  #checkSize({ bodyBytes, headers }: Answer, want: 'note' | 'same' | 'said'): void {
    const length = headers.get('content-length')
    if (want === 'note') {
      this.#size = { bytes: bodyBytes, said: null }
      return
    }
    const { bytes, said } = this.#size ?? { bytes: bodyBytes, said: null }
    if (want === 'said') this.#size = { bytes, said: length === null || Number(length) === bytes ? null : length }
    else if (bodyBytes !== bytes) {
      throw new CaseError('not-judged', `the page has no fixed size: ${bytes} bytes, then ${bodyBytes}`)
    } else if (said !== null) {
      throw new CaseError('fail', `HEAD says Content-Length: ${said}, and GET gives ${bytes} bytes`)
    }
  }

  async #received(bytes: number, within: Span): Promise<void> {
    const connection = await this.#open()
    await connection.until(
      () => connection.receivedBytes >= bytes || connection.end !== 'open',
      performance.now() + this.#ms(within) + harnessSlackMs,
    )
    if (connection.receivedBytes < bytes) {
      throw new CaseError('fail', `${connection.receivedBytes} bytes came, wanted ${bytes}`, this.#label(connection))
    }
  }

  async #receives(hex: string, within: Span): Promise<void> {
    const connection = await this.#open()
    const wanted = Buffer.from(hex, 'hex')
    const came = await connection.until(
      () => connection.reader.raw?.includes(wanted) ?? false,
      performance.now() + this.#ms(within) + harnessSlackMs,
    )
    if (!came) {
      throw new CaseError('fail', `wanted ${hex}, got ${connection.reader.raw?.toString('hex') ?? 'no upgrade'}`)
    }
  }

  async #frame({ frame: wanted, status, times = 1, due }: Extract<SimpleStep, { frame: unknown }>): Promise<void> {
    const connection = await this.#open()
    const frames = connection.h2?.frames ?? []
    const { from, latestMs } = this.#expect(connection, due)
    let left = times
    let last: Frame | undefined
    const look = () => {
      while (left > 0 && this.#framesTaken < frames.length) {
        const frame = frames[this.#framesTaken++]
        if (!frame || !wanted.some((event) => isEvent(frame, event))) continue
        left -= 1
        last = frame
      }
      return left === 0
    }
    await connection.until(() => look() || connection.end !== 'open', from + latestMs)
    const names = wanted.join(' or ')
    if (!last || left > 0) {
      const missing = times > 1 ? `${times - left} of ${times} ${names}` : `no ${names}`
      if (connection.end !== 'open') throw this.#endedInstead(connection, `with ${missing}`)
      throw new CaseError('fail', `${missing} after ${Math.round(performance.now() - from)} ms`, 'open')
    }
    const what = [last.type, last.error ?? last.status].filter((part) => part !== null).join(' ')
    if (status !== undefined && last.status !== status) {
      throw new CaseError('fail', `the answer is ${last.status}, wanted ${status}`)
    }
    if ('by' in due || last.error !== null) this.#seen.observed = what
    this.#inTime(what, last.atMs - from, due)
  }

  async #requestUntilClose(step: Extract<SimpleStep, { requestUntilClose: string }>): Promise<void> {
    const connection = await this.#open()
    const { from, latestMs } = this.#expect(connection, step.due)
    for (;;) {
      connection.send(this.#fill(step.requestUntilClose))
      const answer = await this.#answer({ status: '2xx', within: 5_000 })
      if (answer.isLast) break
      if (performance.now() - from > latestMs) {
        throw new CaseError('fail', `no answer says Connection: close after ${Math.round(latestMs)} ms`)
      }
      await sleep(step.everyMs)
      if (connection.end !== 'open') throw this.#endedInstead(connection, 'before an answer said Connection: close')
    }
    // It may come only with the next request, so it may be later by one pause.
    this.#inTime('close', performance.now() - from, step.due, step.everyMs)
  }

  // Ends

  async #closes({ due, accept, allowed = [] }: Extract<SimpleStep, { closes: unknown }>['closes']): Promise<void> {
    const connection = await this.#open()
    const { from, latestMs } = this.#expect(connection, due)
    await connection.until(() => connection.end !== 'open', from + latestMs)
    const label = this.#label(connection)
    const tookMs = (connection.endedMs ?? performance.now()) - from
    this.#seen.observed = label
    this.#seen.observedMs = 'by' in due ? tookMs : null
    const also = this.#target.foreign ? [...allowed, ...byReset([...accept, ...allowed])] : []
    if (connection.end === 'open' && ![...accept, ...also].some((pattern) => pattern.endsWith('open'))) {
      const said = label === 'open' ? '' : `${label.replace(/ then open$/, '')}, and `
      throw new CaseError('fail', `${said}still open after ${Math.round(tookMs)} ms`, label)
    }
    if (!accept.some((pattern) => accepts(pattern, label))) {
      if (![...also, ...this.#tolerated].some((pattern) => accepts(pattern, label))) {
        const { malformed } = connection.reader
        const said = malformed === null ? '' : `; ${malformed}`
        const wanted = accept.join(' or ')
        throw new CaseError('fail', `${label} after ${Math.round(tookMs)} ms, wanted ${wanted}${said}`, label)
      }
      this.#seen.usedDeviation = true
    }
    if (connection.end === 'open') return
    const soonest = 'by' in due && due.soonestFrom ? this.#anchorMs(connection, due.soonestFrom) : from
    this.#inTime(label, tookMs, due, 0, from - soonest)
  }

  async #quiet(span: Span): Promise<void> {
    const connection = await this.#open()
    const bytes = connection.receivedBytes
    await connection.until(
      () => connection.end !== 'open' || connection.receivedBytes !== bytes,
      performance.now() + this.#ms(span),
    )
    if (connection.end !== 'open') {
      // What it promised is kept, and what it did not promise was not ours to expect.
      if (this.#target.foreign && connection.reader.answers.at(-1)?.isLast) {
        throw new CaseError(
          'not-judged',
          'the server ends each connection with its answer, and says so',
          connection.end,
        )
      }
      throw this.#endedInstead(connection, 'that should have stayed open')
    }
    if (connection.receivedBytes !== bytes) throw new CaseError('fail', 'bytes came that nobody asked for')
  }

  async #staysOpen(span: Span): Promise<void> {
    const connection = await this.#open()
    await connection.until(() => connection.end !== 'open', performance.now() + this.#ms(span))
    if (connection.end !== 'open') throw this.#endedInstead(connection, 'that should have stayed open')
  }

  async #gone(due: Due): Promise<void> {
    const connection = await this.#open()
    const { from, latestMs } = this.#expect(connection, due)
    const sinceMs = performance.now()
    // A client that stops reading has a kernel that takes more, as fast as the server gives: from then on it takes nothing.
    const fills = 'by' in due && due.by.includes('writeTimeoutMs')
    let fillingMs = 0
    let unacknowledged: number | null = null
    for (;;) {
      await rested(sinceMs)
      const row = heldByServer(this.#target.port, connection.localPort, sinceMs)
      const tookMs = performance.now() - from
      if (!row) {
        this.#inTime('gone', tookMs, due, fillingMs)
        return
      }
      if (fills && row.unacknowledged !== unacknowledged) {
        unacknowledged = row.unacknowledged
        fillingMs = tookMs
      }
      if (tookMs > latestMs + fillingMs) {
        throw new CaseError(
          'fail',
          `the server still holds its socket (${row.state}) after ${Math.round(tookMs)} ms`,
          row.state,
        )
      }
      await sleep(pollMs)
    }
  }

  async #held(span: Span): Promise<void> {
    const connection = await this.#open()
    const fromMs = performance.now()
    while (performance.now() - fromMs < this.#ms(span)) {
      await sleep(pollMs)
      if (!heldByServer(this.#target.port, connection.localPort, fromMs)) {
        throw new CaseError(
          'fail',
          `the server let go of its socket after ${Math.round(performance.now() - fromMs)} ms`,
        )
      }
    }
  }

  // Crowds

  async #crowd(step: Extract<Step, { crowd: number }>): Promise<void> {
    const seenByAll: Observation[] = []
    const runs = Array.from({ length: step.crowd }, () => {
      const seen: Observation = { observed: null, observedMs: null, expected: null, usedDeviation: false }
      seenByAll.push(seen)
      return new Run(this.#target, seen, this.#tolerated, this.#lagMs)
    })
    const waiting = [...runs]
    await Promise.all(
      Array.from({ length: handshakesAtOnce }, async () => {
        for (let run = waiting.shift(); run; run = waiting.shift()) await run.#connect('again')
      }),
    )
    const outcomes = await Promise.allSettled(runs.map((run) => run.all(step.steps)))
    this.#seen.expected ??= seenByAll[0]?.expected ?? null
    const connections = runs.flatMap((run) => run.opened)
    this.opened.push(...connections)
    if (step.keep) this.#kept = connections
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    const [first] = failed
    if (first) {
      const error = first.reason as Error
      const message = `${failed.length} of ${step.crowd}: ${error.message}`
      throw error instanceof CaseError ? new CaseError(error.verdict, message, error.observed) : error
    }
    if (step.spreadMs !== undefined) this.#spread(connections, step.spreadMs)
    if (!step.keep) for (const connection of connections) connection.destroy()
  }

  #spread(connections: readonly Connection[], spreadMs: number): void {
    const ages = connections.map(({ endedMs, connectedMs }) => (endedMs ?? Number.POSITIVE_INFINITY) - connectedMs)
    ages.sort((a, b) => a - b)
    const at = (share: number) => ages[Math.floor((ages.length - 1) * share)] as number
    const seenMs = at(0.9) - at(0.1)
    this.#note(`80 % within ${Math.round(seenMs)} ms`)
    if (!(seenMs >= spreadMs))
      throw new CaseError('fail', `80 % ended within ${Math.round(seenMs)} ms, wanted ≥ ${spreadMs}`)
  }

  async #crowdEnded({ exactly, within }: { exactly: number; within: Span }): Promise<void> {
    const ended = () => this.#kept.filter((connection) => connection.end !== 'open').length
    const deadlineMs = performance.now() + this.#ms(within) + harnessSlackMs
    while (ended() < exactly && performance.now() < deadlineMs) await sleep(pollMs)
    await sleep(2 * harnessSlackMs) // One too many would come now.
    this.#note(`${ended()} ended`)
    if (ended() !== exactly)
      throw new CaseError('fail', `${ended()} of the crowd have been hung up on, wanted ${exactly}`)
  }

  // The server's process

  async #exits({ code, withinMs }: { code: number; withinMs: number }): Promise<void> {
    const exit = await Promise.race([this.#process().exited, sleep(withinMs).then(() => null)])
    if (!exit) throw new CaseError('fail', `still running ${withinMs} ms later`)
    this.#note(`exit ${exit.code}`)
    if (exit.code !== code) throw new CaseError('fail', `exit code ${exit.code}, wanted ${code}`)
  }

  async #watchDescriptors(want: Extract<SimpleStep, { descriptors: unknown }>['descriptors']): Promise<void> {
    const now = () => {
      const count = socketCount(this.#target.pid ?? 0)
      if (count === null)
        throw new CaseError('harness-failed', 'the descriptors of the server’s process are not to be seen')
      return count
    }
    if (want === 'note') {
      this.#descriptors = now()
      return
    }
    const noted = this.#descriptors ?? 0
    if ('atLeastMore' in want) {
      if (now() < noted + want.atLeastMore)
        throw new CaseError('setup-failed', `${now() - noted} more sockets, wanted ${want.atLeastMore}`)
      return
    }
    const deadlineMs = performance.now() + this.#ms(want.backWithin) + harnessSlackMs
    while (now() > noted && performance.now() < deadlineMs) await sleep(pollMs)
    this.#note(`${now() - noted} left`)
    if (now() > noted) throw new CaseError('fail', `${now() - noted} sockets are still held`)
  }

  #process(): NonNullable<Target['process']> {
    if (!this.#target.process) throw new CaseError('not-judged', 'needs a process that may be signalled')
    return this.#target.process
  }

  // Words in common

  #anchorMs(connection: Connection, anchor: Anchor): number {
    return anchor === 'signalled' ? this.#signalledMs : connection[`${anchor}Ms`]
  }

  /** From when and until when, noted for the report; what a limit asks for is not forgotten over what is due soon. */
  #expect(connection: Connection, due: Due): { readonly from: number; readonly latestMs: number } {
    const from = this.#anchorMs(connection, due.from)
    const { earliestMs, latestMs } = dueWindow(due, this.#target)
    const headStartMs = 'by' in due && due.soonestFrom ? from - this.#anchorMs(connection, due.soonestFrom) : 0
    if (this.#seen.expected === null || 'by' in due) {
      this.#seen.expected = {
        from: due.from,
        fromMs: from,
        earliestMs: Number.isFinite(earliestMs) ? earliestMs - headStartMs : null,
        latestMs,
        by: 'by' in due ? due.by : [],
      }
    }
    return { from, latestMs }
  }

  #bytes(size: number | { readonly limit: OptionName }): number {
    return typeof size === 'number' ? size : this.#target.policy[size.limit]
  }

  #ms(span: Span): number {
    return spanMs(span, this.#target)
  }

  #note(observed: string): void {
    this.#seen.observed = observed
    this.#seen.observedMs = null
  }

  /** `headStartMs`: how much sooner than our own clock the server's may have begun. */
  #inTime(what: string, tookMs: number, due: Due, plusMs = 0, headStartMs = 0): void {
    const { latestMs, ...window } = dueWindow(due, this.#target)
    const earliestMs = window.earliestMs - headStartMs
    this.#seen.observed ??= what
    if ('by' in due) this.#seen.observedMs = tookMs
    const was = `${what} after ${Math.round(tookMs)} ms`
    const lagMs = Math.min(this.#lagMs(), forgivenLagMs)
    if (tookMs < earliestMs - lagMs)
      throw new CaseError('fail', `${was}: too early, due from ${Math.round(earliestMs)} ms`, what)
    if (tookMs > latestMs + plusMs + lagMs)
      throw new CaseError('fail', `${was}: too late, due by ${Math.round(latestMs)} ms`, what)
  }

  /** The end, and the answer before it that no step has asked for. */
  #label(connection: Connection): string {
    const goaway = connection.h2?.frames.findLast(({ type }) => type === 'goaway')
    if (goaway) return `goaway ${goaway.error} then ${connection.end}`
    const { answers, partial } = connection.reader
    const extra = connection === this.#current ? answers.slice(this.#taken) : []
    const before = extra.map(({ status }) => `${status} then `).join('')
    return `${before}${partial ? `partial ${partial.status} then ` : ''}${connection.end}`
  }

  #endedInstead(connection: Connection, where: string): CaseError {
    const label = this.#label(connection)
    const afterMs = Math.round((connection.endedMs ?? performance.now()) - connection.connectedMs)
    return new CaseError('fail', `${label} at ${afterMs} ms ${where}`, label)
  }
}

/** `{maxBodyBytes+1}`: a limit and so much more; `{x*maxHeadBytes}`: so many bytes; `{chunks*…}`: in chunks; `{fields*…}`: lines. */
const limitInText = /\{(?:(x|chunks|fields)\*)?([a-z]\w*)([+-]\d+)?\}/g

function written(as: string | undefined, value: number): string {
  if (as === 'x') return 'x'.repeat(value)
  if (as === 'fields') return Array.from({ length: value }, (_, i) => `X-${i}: 1\r\n`).join('')
  return as === 'chunks' ? chunk.repeat(Math.ceil(value / 1_024)) : String(value)
}

/** How a connection is closed is the server's choice (RFC 9112 9.5). */
const byReset = (ends: readonly string[]): string[] => ends.map((end) => end.replace(/fin$/, 'reset'))

function isDueByLimit(step: Step): boolean {
  const { due } = ('closes' in step && step.closes) || ('gone' in step && { due: step.gone }) || {}
  return due !== undefined && 'by' in due
}

async function appear({ ip, host }: Target): Promise<VanishingHost> {
  if (isIP(ip ?? host) !== 4) throw new CaseError('not-judged', 'only over IPv4')
  return VanishingHost.appear(process.pid).catch((error: Error) => {
    throw new CaseError('not-judged', `no host can be made to vanish: ${error.message.trim()}`)
  })
}

function statusIs(want: string | readonly number[], status: number): boolean {
  if (typeof want !== 'string') return want.includes(status)
  return want === 'any' || Math.floor(status / 100) === Number(want[0])
}

function isEvent({ type, ack, status, endStream }: Frame, event: H2Event): boolean {
  if (event === 'settings') return type === 'settings' && !ack
  if (event === 'settings ack' || event === 'ping ack') return `${type} ack` === event && ack
  if (event === 'answer') return status !== null
  return event === 'end' ? endStream : type === event
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
