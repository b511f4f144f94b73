/**
 * When a connection may be used again after a response. If an upstream sends more than it has
 * announced, the next request on that connection, maybe another client's, gets those bytes as its
 * response. So a doubtful connection must first be silent for a while. Most common is a body behind
 * a response to HEAD (RFC 9110 9.3.2): gevent.pywsgi sends whatever its application gives it, and
 * most applications do not look at the method.
 */
import type { ResponseHead } from '../../http1/head.ts'

/**
 * How long a connection must be silent until its upstream is known to be right, or if the response
 * does not say its length.
 */
const longRestMs = 1_000
/**
 * The same for an upstream that was right before: surplus bytes come with the response or a moment
 * later.
 */
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

  /**
   * How long a connection must be silent; Infinity: it is not used again. `head`: of its last
   * response, if that was to HEAD.
   */
  restMs(head: ResponseHead | null): number {
    if (head === null) return this.#answers === 'wrong' ? shortRestMs : 0
    if (this.#heads === 'wrong') return Number.POSITIVE_INFINITY
    return this.#heads === 'right' && saysLength(head) ? shortRestMs : longRestMs
  }

  /** Whether a request that can't be sent twice needs a new connection. */
  get doubtful(): boolean {
    return this.#answers === 'wrong'
  }

  /** It was silent for that long. That shows nothing if GET has no body either. */
  silent(head: ResponseHead): void {
    if (this.#heads === 'unknown' && saysLength(head)) this.#heads = 'right'
  }

  /**
   * Bytes came that no request had asked for. Once is enough, whichever application of the upstream
   * it was.
   */
  spoke(behind: Surplus): void {
    if ((behind === 'head' ? this.#heads : this.#answers) === 'wrong') return
    if (behind === 'head') this.#heads = 'wrong'
    else this.#answers = 'wrong'
    this.#onSurplus(behind)
  }
}

const saysLength = (head: ResponseHead): boolean => /^0*[1-9]/.test(head.get('content-length') ?? '')
