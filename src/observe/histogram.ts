/** Counts of durations by bucket: what is added costs one search in a short list and no object. */

export interface HistogramReading {
  /** Upper bounds in seconds, ascending; what is longer is in `count` alone. */
  readonly bounds: readonly number[]
  /** How many were at most as long as each bound: cumulative, as Prometheus wants them. */
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
}

/** Both have the same bounds. */
export function sumOfHistograms(a: HistogramReading, b: HistogramReading): HistogramReading {
  return {
    bounds: a.bounds,
    counts: a.counts.map((count, at) => count + b.counts[at]!),
    count: a.count + b.count,
    sum: a.sum + b.sum,
  }
}

export class Histogram {
  readonly bounds: readonly number[]
  readonly #counts: Float64Array
  #count = 0
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length)
  }

  add(seconds: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && seconds > bounds[at]!) at++
    if (at < bounds.length) this.#counts[at]! += 1
    this.#count += 1
    this.#sum += seconds
  }

  read(): HistogramReading {
    let below = 0
    const counts = Array.from(this.#counts, (count) => {
      below += count
      return below
    })
    return { bounds: this.bounds, counts, count: this.#count, sum: this.#sum }
  }
}
