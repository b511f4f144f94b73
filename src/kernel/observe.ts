/**
 * What two sights of a connection and the application's notes mean in the words of the lifecycle:
 * figures in, moves out. Pure: it reads no clock and calls no kernel.
 */
import type { Connection } from '../lifecycle/connection.ts'
import type { Policy } from '../policy/policy.ts'
import type { Snapshot } from './layout.ts'

/** A snapshot with its ages turned into times. */
export interface Figures {
  readonly received: number
  readonly acked: number
  readonly unsent: number
  readonly sentAt: number
  readonly receivedAt: number
  readonly segmentsIn: number
}

export function figuresOf(snapshot: Snapshot, now: number): Figures {
  const { received, acked, unsent, segmentsIn, sentAgoMs, receivedAgoMs } = snapshot
  return { received, acked, unsent, segmentsIn, sentAt: now - sentAgoMs, receivedAt: now - receivedAgoMs }
}

/** A request's body, as the engine that hands it to the application knows it. */
export interface IncomingBody {
  /** The application waits for bytes of it. */
  readonly wanted: boolean
  /** All of it has come. */
  readonly complete: boolean
  /** Bytes of its content so far, where they are counted: what frames them buys no time. */
  readonly content?: number | null
}

/** What the application did on one connection. */
export interface Note {
  /** Requests begun and not finished. */
  owed: number
  /** When the first of those began, or of the last that were owed. */
  startedAt: number
  /** When the last of all began. */
  latestAt: number
  /** When the first answer of those that are owed was begun piece by piece; Infinity: none was. */
  begunAt: number
  finishedAt: number
  /** How often the last one that was owed has been finished. */
  rounds: number
  /** Of the latest request; null: it has none, or the engine does not watch it. */
  body: IncomingBody | null
  upgraded: boolean
  /**
   * It speaks HTTP/2: bytes that no request explains are frames like PING and WINDOW_UPDATE, not a
   * head that has begun.
   */
  http2: boolean
  /**
   * Answers that wait for the client where the kernel does not show it: in the windows of HTTP/2.
   */
  held: number
}

export const freshNote = (): Note => ({
  owed: 0,
  startedAt: Number.NEGATIVE_INFINITY,
  latestAt: Number.NEGATIVE_INFINITY,
  begunAt: Number.POSITIVE_INFINITY,
  finishedAt: Number.NEGATIVE_INFINITY,
  rounds: 0,
  body: null,
  upgraded: false,
  http2: false,
  held: 0,
})

/**
 * Which requests the application notes: each one when it begins, or only those that have taken a
 * while.
 */
export type Notes = 'every' | 'late'

/**
 * An answer that the runtime still holds in part is sent on as soon as the kernel has room: if
 * nothing waits and nothing has gone out for so long, all of it is out.
 */
export const settleMs = 100
/** The kernel counts in its own ticks (CONFIG_HZ, 100 at the least). */
export const tickMs = 10

const quietMs = 1_000

/** What is remembered of a connection between two sights. */
export class Reading {
  seen: Figures
  /**
   * `Sample.taken`: what the peer took of the answers, and never what it still had to take of one
   * when the next began.
   */
  taken = 0
  /** When the response that is handed over is out, if nothing more of it goes out by then. */
  settlesAt = 0
  readonly #notes: Notes
  readonly #quietMs: number
  #rounds = 0
  #bodyOpen = false
  /**
   * The request that it is in was told of by its bytes alone: what went out was taken for its
   * answer.
   */
  #isGuess = false
  /** Bytes received that are explained: more of them are a request of which nobody has told. */
  #known = 0
  /**
   * Bytes that have come while it was idle and that nothing has gone out for yet: so many may be
   * the answers of PINGs, however late the client acknowledges them.
   */
  #echoes = 0
  /** When more last went out than had come: of HTTP/2 that is an answer, and never a PING's. */
  #answeredAt = Number.NEGATIVE_INFINITY

  /**
   * `discardTimeoutMs`: a client that is silent for half of it after an early answer has nothing
   * left to send.
   */
  constructor(seen: Figures, notes: Notes, { discardTimeoutMs }: Pick<Policy, 'discardTimeoutMs'>) {
    this.seen = seen
    this.#notes = notes
    this.#quietMs = Math.min(discardTimeoutMs / 2 || quietMs, quietMs)
  }

  /** `quietUntil`: until when it is certain that nothing came after the sight before this one. */
  read(connection: Connection, seen: Figures, note: Note, quietUntil: number, now: number): void {
    const before = this.seen
    this.seen = seen
    if (connection.owesAnswer) this.taken += seen.acked - before.acked
    this.#echoes += seen.received - before.received - (seen.acked - before.acked)
    if (this.#echoes < 0) this.#answeredAt = seen.sentAt
    // What comes with a request is no PING.
    if (this.#echoes < 0 || connection.state !== 'idle') this.#echoes = 0
    if (connection.state === 'handshake') {
      if (note.owed === 0 && note.rounds === this.#rounds && !handshakeDone(seen)) return
      // What came last may be of the head by now.
      const securedAt = Math.min(seen.receivedAt, Math.max(seen.sentAt, quietUntil))
      connection.move('secured', clamp(securedAt, connection.since, now), seen.received)
      this.#known = seen.received
    }
    if (note.upgraded) {
      if (connection.state !== 'upgraded') this.#upgrade(connection, now)
      return
    }
    if (note.owed > 0 || note.rounds !== this.#rounds) this.#readNote(connection, before, seen, note, now)
    else if (!connection.owesAnswer) this.#readBytes(connection, before, seen, note, quietUntil, now)
    if (connection.state === 'handling' && note.owed > 0 && note.begunAt <= now) {
      connection.move('begun', clamp(note.begunAt, connection.since, now), seen.received)
    }
    if (this.#bodyOpen && note.body?.complete === true) this.#bodyEnd(connection, now)
    if (connection.owesAnswer && note.owed === 0) this.#settle(connection, seen, note, now)
  }

  #readNote(connection: Connection, before: Figures, seen: Figures, note: Note, now: number): void {
    const finished = note.rounds !== this.#rounds
    if (connection.owesAnswer && finished && note.owed > 0) {
      // One was answered and another has begun since the last sight.
      if (this.#bodyOpen) this.#bodyEnd(connection, now)
      connection.move('answered', clamp(note.finishedAt, connection.since, now), seen.received)
      // What was taken since then is of that answer.
      this.taken -= seen.acked - before.acked
    }
    if (connection.owesAnswer && this.#isGuess && note.body?.complete === false) {
      // It was a 100 Continue, and the body has yet to come.
      connection.move('answered', clamp(note.startedAt, connection.since, now), seen.received)
      connection.requests -= 1
    }
    if (!connection.owesAnswer) {
      if (this.#bodyOpen) this.#bodyEnd(connection, now)
      this.#begin(connection, note, clamp(note.startedAt, connection.since, now), seen.received)
      // What went out before it began, give or take the kernel's tick, belongs to the answer before it.
      if (seen.sentAt > note.startedAt + tickMs) this.taken += seen.acked - before.acked
    } else if (note.http2 && !this.#bodyOpen && note.body?.complete === false) {
      // Its stream has joined others that are not answered yet.
      this.#begin(connection, note, clamp(note.latestAt, connection.since, now), seen.received)
    }
    this.#rounds = note.rounds
    this.#known = seen.received
  }

  /** Bytes that no request explains. */
  #readBytes(
    connection: Connection,
    before: Figures,
    seen: Figures,
    note: Note,
    quietUntil: number,
    now: number,
  ): void {
    const { state, since } = connection
    if (state === 'discarding') {
      // The body that nobody read had come with its head.
      if (seen.received === this.#known && now - since >= this.#quietMs) this.#bodyEnd(connection, since)
      return
    }
    // What went out just now may be the answer of a PING.
    const waits = seen.unsent > 0 && (!note.http2 || now - seen.sentAt >= settleMs)
    if (state === 'idle' && (waits || (note.http2 && this.#answeredAt > since))) {
      // It was not all: the rest of the answer is taken for the answer. Of HTTP/2 it had waited for
      // the client's window.
      connection.move('request', clamp(seen.sentAt, since, now), seen.received)
      connection.requests -= 1
      return
    }
    if (state === 'idle' && note.http2) {
      this.#known = seen.received
      return
    }
    // All of the answer before had been taken: what has been taken since is of another. The times
    // are no witness: the kernel counts them in ticks.
    const answered = this.#notes === 'late' && (seen.unsent > 0 || seen.acked > before.acked)
    if (answered && (seen.received > this.#known || state === 'head')) {
      // A request that took less time than is noted.
      connection.move('request', clamp(seen.receivedAt, since, now), seen.received)
      this.#isGuess = true
      this.#known = seen.received
    } else if (seen.received > this.#known && state !== 'head') {
      // A single segment says when it came; of several the first may have come as early as we know
      // of no quiet.
      const alone = seen.segmentsIn - before.segmentsIn === 1
      const earliest = Math.max(quietUntil, since)
      const began = state === 'accepted' ? since : alone ? seen.receivedAt : earliest
      connection.move('bytes', clamp(began, since, now), seen.received)
      this.#known = seen.received
    }
  }

  #settle(connection: Connection, seen: Figures, note: Note, now: number): void {
    const lastAt = Math.max(note.finishedAt, note.http2 ? this.#answeredAt : seen.sentAt)
    this.settlesAt = (seen.unsent > 0 ? now : lastAt) + settleMs
    if (now < this.settlesAt) return
    connection.move('answered', clamp(lastAt, connection.since, now), seen.received)
    this.#isGuess = false
    this.#known = seen.received
    // The client has gone on meanwhile, and nobody has told of a request. The kernel's two times
    // are of one clock, whose tick is all that a head may begin late by; where nothing has gone out
    // since, ours and the kernel's are compared.
    const isOut = seen.sentAt >= note.finishedAt - tickMs
    const goneOn = seen.receivedAt > (isOut ? seen.sentAt : lastAt + tickMs)
    if (connection.state === 'idle' && !note.http2 && goneOn) {
      connection.move('bytes', clamp(seen.receivedAt, connection.since, now), seen.received)
    }
  }

  #begin(connection: Connection, note: Note, at: number, received: number): void {
    this.#isGuess = false
    this.#bodyOpen = note.body !== null && !note.body.complete
    connection.move(this.#bodyOpen ? 'requestWithBody' : 'request', at, received)
  }

  #bodyEnd(connection: Connection, at: number): void {
    this.#bodyOpen = false
    connection.move('bodyEnd', at, this.seen.received)
  }

  #upgrade(connection: Connection, now: number): void {
    if (this.#bodyOpen) this.#bodyEnd(connection, now)
    const { state } = connection
    if (state === 'writing' || state === 'streaming') connection.move('answered', now)
    connection.move('upgrade', now)
  }
}

/**
 * The client has spoken, taken what the server said, and spoken again: its Finished. The server's
 * last word is no witness: rustls and OpenSSL send their tickets at once, BoringSSL (Bun) with its
 * first answer. A client that stops in its second flight, or whose ClientHello is of several
 * segments, looks the same, and has the head's limit instead.
 */
const handshakeDone = ({ acked, segmentsIn }: Figures): boolean => acked > 0 && segmentsIn >= 2

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)
