/** The steps of a case, from the moves that were recorded of a connection. */
import type { Mark, TrailMove } from '../lifecycle/trail.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import type { Step } from '../probe/words/index.ts'

/** What the client would have done next, a little later than it was cut. */
export type GoesOn =
  | 'asks'
  | 'ends its head'
  | 'ends its body'
  | 'sends its body slowly'
  | 'reads late'
  | 'waits'
  /** It left by itself. */
  | 'is as patient'

/** What the client waits for longest where nothing else says so. */
const patienceMs = 10_000
/** Shorter pauses are the network’s and the machine’s. */
const shortestPauseMs = 20
/** So much later than it was cut. */
const later = (heldMs: number): number => Math.ceil(heldMs + Math.max(500, heldMs / 10))

/** It was cut when all its requests had been answered. */
const betweenRequests: ReadonlySet<GoesOn> = new Set(['asks', 'ends its head'])
const endings: ReadonlySet<Mark> = new Set(['bodyRefused', 'left', 'ended', 'gone'])

const restOfHead = 'Host: {host}\r\n\r\n'
/** Half of a body, whose contents are not recorded. */
const half = 'x'.repeat(8)
/** Between two pieces of a slow body. */
const pieceEveryMs = 250
const longestPiece = 4_096

export class Script {
  readonly #ended: EndedConnection
  readonly #moves: readonly TrailMove[]
  readonly #how: GoesOn
  readonly #lastRequest: number
  /** When the client was cut, in the record’s time. */
  readonly #cutMs: number
  readonly #steps: Step[] = [{ connect: 'again' }]
  /** Up to where the steps and the record agree on the time. */
  #atMs: number
  #askedMs = 0
  #owed = 0
  #isInHead = false

  /** `moves`: those that matter. */
  constructor(ended: EndedConnection, moves: readonly TrailMove[], how: GoesOn) {
    this.#ended = ended
    this.#moves = moves
    this.#how = how
    this.#lastRequest = moves.findLastIndex(isRequest)
    const cut = moves.find(({ mark }, at) => endings.has(mark) || this.#isTooLate(mark, at))
    this.#cutMs = cut?.atMs ?? ended.endedAt - ended.openedAt
    this.#atMs = moves.length === ended.moves.length ? 0 : (moves[0]?.atMs ?? 0)
  }

  /** For how long the client was quiet, or had to wait, when it was cut. */
  get heldMs(): number {
    return this.#cutMs - this.#atMs
  }

  /** Does what was recorded, up to the cut. */
  replay(): void {
    for (const [at, move] of this.#moves.entries()) {
      const { mark, atMs } = move
      if (mark === 'bytes') {
        this.#pauseUntil(atMs)
        this.#beginHead(at)
      } else if (isRequest(move)) {
        this.#pauseUntil(atMs)
        this.#ask(at)
      } else if (mark === 'bodyEnd') {
        this.#pauseUntil(atMs)
        this.#steps.push({ send: half })
      } else if (mark === 'answered' && this.#owed > 0 && !this.#isTooLate(mark, at)) this.#takeAnswers(atMs)
    }
  }

  /** All steps, with those in which the client goes on. */
  goOn(): Step[] {
    const { heldMs } = this
    if (this.#how === 'ends its head' && !this.#isInHead) this.#beginHead(this.#moves.length)
    const pause: Step = { wait: later(heldMs) }
    const answered = (withinMs = patienceMs): Step => ({ answer: { status: '2xx', within: Math.ceil(withinMs) } })
    const more: Readonly<Record<GoesOn, () => readonly Step[]>> = {
      asks: () => [pause, { request: 'GET {hello}' }, answered()],
      'ends its head': () => [pause, { send: restOfHead }, answered()],
      'ends its body': () => [pause, { send: half }, answered()],
      'sends its body slowly': () => [{ send: this.#piece, everyMs: pieceEveryMs, times: this.#pieces }, answered()],
      'reads late': () => [{ read: 'pause' }, pause, { read: 'resume' }, answered()],
      waits: () => [answered(patienceMs + 2 * heldMs)],
      'is as patient': () => [answered(heldMs)],
    }
    return [...this.#steps, ...more[this.#how]()]
  }

  /** A response to a client that had gone, or to a body that had been refused. */
  #isTooLate(mark: Mark, at: number): boolean {
    return mark === 'answered' && at > this.#lastRequest && !betweenRequests.has(this.#how)
  }

  #pauseUntil(atMs: number): void {
    const pauseMs = Math.round(atMs - this.#atMs)
    if (pauseMs >= shortestPauseMs) this.#steps.push({ wait: pauseMs })
    this.#atMs = atMs
  }

  #beginHead(at: number): void {
    this.#steps.push({ send: this.#lineAt(at) })
    this.#isInHead = true
  }

  /** The head, or the rest of it; of a body that was not there at once, half. */
  #ask(at: number): void {
    const line = this.#isInHead ? '' : this.#lineAt(at)
    const isSlow = at === this.#lastRequest && this.#how === 'sends its body slowly'
    const bytes = isSlow ? this.#piece.length * this.#pieces : 2 * half.length
    const hasBody = this.#moves[at]?.mark === 'requestWithBody'
    const length = hasBody ? `Content-Length: ${bytes}\r\n` : ''
    this.#steps.push({ send: `${line}${length}${restOfHead}${hasBody && !isSlow ? half : ''}` })
    this.#isInHead = false
    this.#owed += 1
    this.#askedMs = this.#atMs
  }

  #takeAnswers(atMs: number): void {
    const within = Math.ceil(Math.max(patienceMs, 2 * (atMs - this.#askedMs)))
    const times = this.#owed > 1 ? { times: this.#owed } : {}
    this.#steps.push({ answer: { status: 'any', within }, ...times, setup: true })
    this.#owed = 0
    this.#atMs = atMs
  }

  /** The first line of the request that is whole at this move or later. */
  #lineAt(at: number): string {
    const request = this.#moves.findIndex((move, index) => index >= at && isRequest(move))
    const hasBody = this.#moves[request]?.mark === 'requestWithBody'
    const { route } = this.#ended
    const isKnown = request === this.#lastRequest && route !== null && !route.endsWith('…')
    // Braces would be a placeholder.
    const asked = isKnown ? route.replace(/[{}]/g, encodeURIComponent) : `${hasBody ? 'POST' : 'GET'} {hello}`
    return `${asked} HTTP/1.1\r\n`
  }

  get #pieces(): number {
    return Math.ceil(later(this.heldMs) / pieceEveryMs)
  }

  /** As much as came in that time. */
  get #piece(): string {
    const { received, endedAt, openedAt } = this.#ended
    const bytes = Math.round((received / Math.max(endedAt - openedAt, 1)) * pieceEveryMs)
    return 'x'.repeat(Math.min(Math.max(bytes, 1), longestPiece))
  }
}

const isRequest = ({ mark }: TrailMove): boolean => mark === 'request' || mark === 'requestWithBody'
