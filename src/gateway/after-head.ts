/**
 * Whether an upstream leaves the body out of its answers to HEAD (RFC 9110 9.3.2), and so when a connection may be used again
 * after one. Some servers send it all the same (gevent.pywsgi does where the application does not look at the method): to the
 * next request on that connection those bytes would be its answer, another client's maybe.
 */
import type { ResponseHead } from '../http1/head.ts'

/** How long a connection stays silent before its upstream is believed, or where the answer does not say how long a body would be. */
const longRestMs = 1_000
/** Of an upstream that has been seen to be right: a body whose length is known is written with its head, or a moment later. */
const shortRestMs = 100

export class AfterHead {
  readonly #onWrong: () => void
  #habit: 'unknown' | 'right' | 'wrong' = 'unknown'

  /** `onWrong` is called once, for the log. */
  constructor(onWrong: () => void) {
    this.#onWrong = onWrong
  }

  /** How long a connection has to be silent after this answer to HEAD; Infinity: it is not used again. */
  restMs(head: ResponseHead): number {
    if (this.#habit === 'wrong') return Number.POSITIVE_INFINITY
    return this.#habit === 'right' && saysLength(head) ? shortRestMs : longRestMs
  }

  /** It was silent for that long. Where there is no body for GET either, that shows nothing. */
  silent(head: ResponseHead): void {
    if (this.#habit === 'unknown' && saysLength(head)) this.#habit = 'right'
  }

  /** Bytes came behind an answer to HEAD: once is enough, whichever of the upstream's applications it was. */
  spoke(): void {
    if (this.#habit === 'wrong') return
    this.#habit = 'wrong'
    this.#onWrong()
  }
}

const saysLength = (head: ResponseHead): boolean => /^0*[1-9]/.test(head.get('content-length') ?? '')
