/**
 * When a connection may be used again after an answer. An upstream that sends more than the answer that it has announced gives those
 * bytes to the next request on that connection as its answer: another client's, maybe. So each connection has to be silent for a while
 * where there is a doubt. Most common is a body behind an answer to HEAD (RFC 9110 9.3.2): gevent.pywsgi sends what its application
 * gives it, and most applications do not look at the method.
 */
import type { ResponseHead } from '../../http1/head.ts'

/** How long a connection is silent before its upstream is believed, or where the answer does not say how long a body would be. */
const longRestMs = 1_000
/** Of an upstream that has been seen to be right: what it has too much of is written with the answer, or a moment later. */
const shortRestMs = 100

export type Surplus = 'head' | 'answer'

export class AfterAnswers {
  readonly #onSurplus: (behind: Surplus) => void
  #heads: 'unknown' | 'right' | 'wrong' = 'unknown'
  #answers: 'right' | 'wrong' = 'right'

  /** `onSurplus` is called once for each kind, for the log. */
  constructor(onSurplus: (behind: Surplus) => void) {
    this.#onSurplus = onSurplus
  }

  /** How long a connection has to be silent; Infinity: it is not used again. `head`: of its last answer, if that was one to HEAD. */
  restMs(head: ResponseHead | null): number {
    if (head === null) return this.#answers === 'wrong' ? shortRestMs : 0
    if (this.#heads === 'wrong') return Number.POSITIVE_INFINITY
    return this.#heads === 'right' && saysLength(head) ? shortRestMs : longRestMs
  }

  /** Whether no connection that has answered may have what can't be sent twice. */
  get doubtful(): boolean {
    return this.#answers === 'wrong'
  }

  /** It was silent for that long. Where there is no body for GET either, that shows nothing. */
  silent(head: ResponseHead): void {
    if (this.#heads === 'unknown' && saysLength(head)) this.#heads = 'right'
  }

  /** Bytes came that no request had asked for: once is enough, whichever of the upstream's applications it was. */
  spoke(behind: Surplus): void {
    if ((behind === 'head' ? this.#heads : this.#answers) === 'wrong') return
    if (behind === 'head') this.#heads = 'wrong'
    else this.#answers = 'wrong'
    this.#onSurplus(behind)
  }
}

const saysLength = (head: ResponseHead): boolean => /^0*[1-9]/.test(head.get('content-length') ?? '')
