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
  /**
   * Deaths in a row. Workers that die together are one: what killed them all says nothing of a
   * restart.
   */
  #inVain = 0

  /** For a worker that is started: after how many deaths that is. */
  get deaths(): number {
    return this.#inVain
  }

  /** `servedMs`: null: it died before it was ready. `startedAfter`: the `deaths` at its start. */
  delayMs(servedMs: number | null, startedAfter = this.#inVain): number {
    if (servedMs !== null && servedMs >= provenMs) this.#inVain = 0
    if (startedAfter >= this.#inVain) this.#inVain += 1
    return this.#inVain <= 1 ? 0 : Math.min(firstDelayMs * 2 ** (this.#inVain - 2), longestDelayMs)
  }

  /** Of deaths in a row, with no worker that serves. */
  get isHopeless(): boolean {
    return this.#inVain >= mostInVain
  }
}
