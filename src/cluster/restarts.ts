/**
 * When a worker that died is started again. The first time at once; one that dies again and again
 * waits longer each time. Where none serves and none stays up, the parent gives up, so that whoever
 * supervises it hears of it.
 */
const firstDelayMs = 100
const longestDelayMs = 10_000
/** Having served for so long, a worker that dies is no longer one that cannot start. */
const provenMs = 10_000
const mostInVain = 5

export class Restarts {
  #inVain = 0

  /** `servedMs`: null: it died before it was ready. */
  delayMs(servedMs: number | null): number {
    if (servedMs !== null && servedMs >= provenMs) this.#inVain = 0
    const delay = this.#inVain === 0 ? 0 : Math.min(firstDelayMs * 2 ** (this.#inVain - 1), longestDelayMs)
    this.#inVain += 1
    return delay
  }

  /** Of deaths in a row, with no worker that serves. */
  get isHopeless(): boolean {
    return this.#inVain >= mostInVain
  }
}
