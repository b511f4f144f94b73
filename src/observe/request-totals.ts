/**
 * Requests by method and status, and how long they took: what `http.server.request.duration`
 * counts.
 */
import { Histogram, type HistogramReading } from './histogram.ts'

/** OpenTelemetry's bounds for `http.server.request.duration`, in seconds. */
export const requestBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/**
 * The methods that OpenTelemetry knows; any other is `_OTHER`, so that no client can make up
 * labels.
 */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY', '_OTHER']
const codes = new Map(methods.map((method, code) => [method, code]))
const other = methods.length - 1

const keyOf = (method: string, status: number): number => status * methods.length + (codes.get(method) ?? other)

/** As OpenTelemetry names it. */
export const methodLabel = (method: string): string => (codes.has(method) ? method : methods[other]!)

/**
 * To read the clock twice costs up to 4 % of a small answer on Deno. So after so many requests
 * since they were last read, one in so many is timed, and the others count as its like.
 */
const timedAlways = 1_000
const timedOneIn = 8

export interface RequestReading {
  readonly method: string
  readonly status: number
  readonly duration: HistogramReading
}

export class RequestTotals {
  /** Whether somebody reads them: where a request is not timed anyway, it is timed only then. */
  areRead = false
  readonly #histograms = new Map<number, Histogram>()
  readonly #now: () => number
  #sinceRead = 0
  /** By method and status: how long the last one that was timed took. */
  readonly #lastMs = new Map<number, number>()
  #tell: ((method: string, status: number, seconds: number) => void) | null = null

  constructor(now: () => number) {
    this.#now = now
  }

  /** The response is out, so long after the request's head was there. */
  answered(method: string, status: number, ms: number): void {
    const key = keyOf(method, status)
    let histogram = this.#histograms.get(key)
    if (histogram === undefined) {
      histogram = new Histogram(requestBounds)
      this.#histograms.set(key, histogram)
    }
    histogram.add(ms / 1_000)
    this.#tell?.(methodLabel(method), status, ms / 1_000)
  }

  /** Tells one listener of each from now on; returns what takes that back. */
  onAnswered(tell: (method: string, status: number, seconds: number) => void): () => void {
    this.areRead = true
    this.#tell = tell
    return () => {
      this.#tell = null
    }
  }

  /**
   * For a runtime's own server, which does not tell when a response is out: until the response is
   * there.
   */
  timing<Call>(
    handler: (request: Request, call: Call) => Response | Promise<Response>,
  ): (request: Request, call: Call) => Response | Promise<Response> {
    return (request, call) => {
      if (!this.areRead) return handler(request, call)
      this.#sinceRead += 1
      const isTimed = this.#sinceRead <= timedAlways || this.#sinceRead % timedOneIn === 0
      const from = isTimed ? this.#now() : 0
      const { method } = request
      const answered = (response: Response): Response => {
        // Bun's own upgrade leaves none.
        const status = (response as Response | undefined)?.status ?? 101
        const key = keyOf(method, status)
        const ms = isTimed ? this.#now() - from : (this.#lastMs.get(key) ?? 0)
        if (isTimed) this.#lastMs.set(key, ms)
        this.answered(method, status, ms)
        return response
      }
      const returned = handler(request, call)
      return returned instanceof Promise ? returned.then(answered) : answered(returned)
    }
  }

  read(): RequestReading[] {
    this.#sinceRead = 0
    return Array.from(this.#histograms, ([key, histogram]) => ({
      method: methods[key % methods.length]!,
      status: Math.floor(key / methods.length),
      duration: histogram.read(),
    }))
  }
}
