import type { BodySource } from '../../http1/web/payload.ts'

/** A body whose length is not known beforehand, held to the limit of its route. */
export class LimitedSource implements BodySource {
  exceeded = false
  readonly #source: BodySource
  #left: number

  constructor(source: BodySource, maxBytes: number) {
    this.#source = source
    this.#left = maxBytes
  }

  get trailers(): readonly string[] {
    return this.#source.trailers ?? []
  }

  async read(): Promise<Uint8Array | null> {
    const piece = await this.#source.read()
    this.#left -= piece?.length ?? 0
    if (this.#left >= 0) return piece
    this.exceeded = true
    throw new RangeError('the body is larger than the route allows')
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason)
  }
}
