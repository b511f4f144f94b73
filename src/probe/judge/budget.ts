/** A bounded number of connections, shared out among cases. */
import { deferred } from '../../deferred.ts'

interface Waiting {
  readonly count: number
  readonly priority: number
  go(): void
}

export class Budget {
  readonly size: number
  #free: number
  #waiting: Waiting[] = []

  constructor(size: number) {
    this.size = size
    this.#free = size
  }

  /**
   * Resolves when so many are free, to what gives them back. The highest priority goes first and is
   * waited for: a crowd is not passed over by those that are content with one.
   */
  take(count: number, priority: number): Promise<() => void> {
    const { promise, resolve } = deferred<() => void>()
    this.#waiting.push({ count: Math.min(count, this.size), priority, go: () => resolve(this.#release(count)) })
    this.#waiting.sort((a, b) => b.priority - a.priority)
    this.#share()
    return promise
  }

  #release(count: number): () => void {
    let taken = Math.min(count, this.size)
    return () => {
      this.#free += taken
      taken = 0
      this.#share()
    }
  }

  #share(): void {
    for (let next = this.#waiting[0]; next && next.count <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.count
      next.go()
    }
  }
}
