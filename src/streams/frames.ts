/** Where the frames of a stream end, so that nothing is ever written into the middle of one. */

/** Ends of an event (WHATWG HTML 9.2.5): a blank line, its lines ended by LF, CR LF or CR. */
export const eventEnds: readonly string[] = ['\n\n', '\n\r\n', '\r\r\n', '\r\r']

const latin1 = (text: string): readonly number[] => [...text].map((char) => char.charCodeAt(0))

export class FrameWatch {
  readonly #ends: readonly (readonly number[])[]
  /** The last bytes so far, at its end: as many as an end may have. */
  readonly #tail: Uint8Array
  #tailLength = 0

  /** `ends`: bytes, as latin1, that end a frame. */
  constructor(ends: readonly string[]) {
    this.#ends = ends.map(latin1)
    this.#tail = new Uint8Array(Math.max(...ends.map(({ length }) => length)))
  }

  /** Nothing has come yet, or the end of a frame came last. */
  get between(): boolean {
    return this.#tailLength === 0 || this.#isEnd(noBytes, 0)
  }

  pass(piece: Uint8Array): void {
    const tail = this.#tail
    const added = Math.min(piece.length, tail.length)
    if (added < tail.length) tail.copyWithin(0, added)
    const from = piece.length - added
    for (let i = 0; i < added; i++) tail[tail.length - added + i] = piece[from + i]!
    this.#tailLength = Math.min(this.#tailLength + added, tail.length)
  }

  /** Bytes of the next piece up to the end of the last frame in it; 0: no frame ends in it. */
  lengthOfFrames(piece: Uint8Array): number {
    for (let at = piece.length; at > 0; at--) if (this.#isEnd(piece, at)) return at
    return 0
  }

  /** Whether a frame ends before `at` of a piece that follows what has come. */
  #isEnd(piece: Uint8Array, at: number): boolean {
    const tail = this.#tail
    return this.#ends.some((end) => {
      const from = at - end.length
      if (from + this.#tailLength < 0) return false
      return end.every((byte, index) => {
        const place = from + index
        return byte === (place < 0 ? tail[tail.length + place] : piece[place])
      })
    })
  }
}

const noBytes = new Uint8Array()
