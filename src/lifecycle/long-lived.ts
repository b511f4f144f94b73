/**
 * What outlives an ordinary drain: event streams and WebSockets. A drain tells each of its end, at
 * its own moment within `drainSpreadMs`, so that their clients come back elsewhere and not all at
 * once; it counts what was ended so, and what was cut.
 */
import type { Policy } from '../policy/policy.ts'
import { words } from '../policy/units.ts'
import { backgroundClock, type Clock } from './clock.ts'
import { closeAnswerMs } from './ending.ts'

export type LongLivedKind = 'eventStreams' | 'webSockets'

/** Of one kind, in one drain. */
export interface LongLivedEnds {
  /** Told of their end in time. */
  readonly ended: number
  /** Still there when the drain cut what was left. */
  readonly cut: number
}

/** Kinds of which there were any. */
export type LongLivedResult = { readonly [Kind in LongLivedKind]?: LongLivedEnds }

/** The code with which a drain closes a WebSocket (RFC 6455 7.4.1). */
export const goingAway = 1001

/**
 * How a WebSocket ended. `drain`: told of it by the drain; `idle`: by its own limit, which only the
 * connection's observer knows of; `lost`: without a close frame, because its client reset it,
 * vanished, or was cut.
 */
export const webSocketEnds = ['client', 'application', 'drain', 'idle', 'lost'] as const
export type WebSocketEnd = (typeof webSocketEnds)[number]

/** RFC 6455 7.1.5: the code of an end without a close frame. */
export const noCloseFrame = 1006

interface Member {
  readonly kind: LongLivedKind
  readonly end: () => void
  readonly momentMs: number
  /** How much was left of the drain when it was told of its end; null: it was not. */
  toldAtMs: number | null
}

const endsStreams = words.streams.indexOf('end')

/**
 * With `streams: 'finish'` what is left is told of its end so long before it is cut, at most a
 * tenth of the drain.
 */
const lastWordMs = 1_000

type LongLivedPolicy = Pick<Policy, 'streams' | 'drainSpreadMs' | 'drainTimeoutMs' | 'webSocketIdleTimeoutMs'>

/** The part of `webSocketIdleTimeoutMs` after which a WebSocket is pinged, each time. */
const pingAfter = 1 / 2

export class LongLived {
  readonly #policy: LongLivedPolicy
  readonly #clock: Pick<Clock, 'after'>
  readonly #random: () => number
  readonly #members = new Set<Member>()
  readonly #ended: Record<LongLivedKind, number> = { eventStreams: 0, webSockets: 0 }
  readonly #closes = new Map<number, number>()
  readonly #ends = new Map<WebSocketEnd, number>()
  readonly #drain = new AbortController()

  constructor(policy: LongLivedPolicy, random: () => number, clock: Pick<Clock, 'after'> = backgroundClock) {
    this.#policy = policy
    this.#clock = clock
    this.#random = random
  }

  /** Fires when the drain begins. */
  get draining(): AbortSignal {
    return this.#drain.signal
  }

  announce(): void {
    this.#drain.abort(new DOMException('the server is draining', 'AbortError'))
  }

  /**
   * `end` is called at most once; `ping` again and again, where the policy asks for it. Returns
   * what is to be called when it is over, whoever ended it, with the code of a WebSocket's close and
   * whether the application closed it.
   */
  add(kind: LongLivedKind, end: () => void, ping?: () => void): (code?: number, byApplication?: boolean) => void {
    const member: Member = { kind, end, momentMs: this.#random() * this.#policy.drainSpreadMs, toldAtMs: null }
    this.#members.add(member)
    const stopPings = ping && this.#pinged(ping)
    return (code, byApplication = false) => {
      stopPings?.()
      if (code !== undefined) {
        count(this.#closes, code)
        count(this.#ends, endOf(member, code, byApplication))
      }
      if (this.#members.delete(member) && member.toldAtMs !== null) this.#ended[kind] += 1
    }
  }

  #pinged(ping: () => void): (() => void) | undefined {
    const { webSocketIdleTimeoutMs } = this.#policy
    if (webSocketIdleTimeoutMs === 0) return undefined
    const next = () =>
      this.#clock.after(webSocketIdleTimeoutMs * pingAfter, () => {
        cancel = next()
        ping()
      })
    let cancel = next()
    return () => cancel()
  }

  /** One tick of a drain that has been closing for `closingForMs`, and cuts after `leftMs`. */
  tick(closingForMs: number, leftMs: number): void {
    const { streams, drainTimeoutMs } = this.#policy
    const isLastWord = leftMs <= Math.min(lastWordMs, drainTimeoutMs / 10)
    if (streams !== endsStreams && !isLastWord) return
    for (const member of this.#members) {
      if (member.toldAtMs !== null || (!isLastWord && closingForMs < member.momentMs)) continue
      member.toldAtMs = leftMs
      try {
        member.end()
      } catch {
        // One that can't be told, because it ends by itself just now, must not keep the others.
      }
    }
  }

  /** WebSockets that have ended since the start, by the code of their close. */
  get closes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#closes)
  }

  /** The same, by who ended them. */
  get ends(): Readonly<Partial<Record<WebSocketEnd, number>>> {
    return Object.fromEntries(this.#ends)
  }

  /** Open WebSockets. */
  get webSockets(): number {
    let count = 0
    for (const { kind } of this.#members) if (kind === 'webSockets') count += 1
    return count
  }

  /** WebSockets that were told long enough ago, and whose clients have not answered. */
  unanswered(leftMs: number): number {
    let count = 0
    for (const member of this.#members) if (isUnanswered(member, leftMs)) count += 1
    return count
  }

  /** They count as ended from here on. Returns how many. */
  letGo(leftMs: number): number {
    let count = 0
    for (const member of this.#members) {
      if (!isUnanswered(member, leftMs)) continue
      this.#members.delete(member)
      this.#ended[member.kind] += 1
      count += 1
    }
    return count
  }

  /** Of a drain that is over. */
  get result(): LongLivedResult {
    const cut: Record<LongLivedKind, number> = { eventStreams: 0, webSockets: 0 }
    for (const { kind } of this.#members) cut[kind] += 1
    const of = (kind: LongLivedKind) =>
      this.#ended[kind] + cut[kind] > 0 && { [kind]: { ended: this.#ended[kind], cut: cut[kind] } }
    return { ...of('eventStreams'), ...of('webSockets') }
  }
}

const isUnanswered = ({ kind, toldAtMs }: Member, leftMs: number): boolean =>
  kind === 'webSockets' && toldAtMs !== null && toldAtMs - leftMs >= closeAnswerMs

function endOf({ toldAtMs }: Member, code: number, byApplication: boolean): WebSocketEnd {
  if (toldAtMs !== null) return 'drain'
  if (byApplication) return 'application'
  return code === noCloseFrame ? 'lost' : 'client'
}

const count = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
