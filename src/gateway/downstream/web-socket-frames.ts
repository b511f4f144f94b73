/**
 * Where the frames of a WebSocket end (RFC 6455 5.2), so that one of our own can be put behind one.
 */

const closeOpcode = 8
const maskBytes = 4

export class WebSocketFrames {
  /** What has come of a frame's head. */
  #head: number[] = []
  /** What is still to come of its payload. */
  #left = 0
  /** The side that sends has said that nothing follows. */
  hasClosed = false

  /** `other`: begins where that one is. */
  constructor(other?: WebSocketFrames) {
    if (other === undefined) return
    this.#head = [...other.#head]
    this.#left = other.#left
  }

  /** The last frame is whole. */
  get between(): boolean {
    return this.#head.length === 0 && this.#left === 0
  }

  /**
   * Returns how many bytes of the piece come before the end of the last frame in it; 0: none ends
   * in it.
   */
  pass(piece: Uint8Array): number {
    let ended = 0
    let at = 0
    while (at < piece.length) {
      if (this.#left === 0 && !this.#headEnds(piece[at++]!)) continue
      const skipped = Math.min(this.#left, piece.length - at)
      at += skipped
      this.#left -= skipped
      if (this.#left === 0) ended = at
    }
    return ended
  }

  /** Whether this byte is the last of a head. */
  #headEnds(byte: number): boolean {
    const head = this.#head
    head.push(byte)
    const [first = 0, second] = head
    if (second === undefined) return false
    const said = second & 0x7f
    const sizeBytes = said === 126 ? 2 : said === 127 ? 8 : 0
    if (head.length < 2 + sizeBytes + (second & 0x80 ? maskBytes : 0)) return false
    const size = head.slice(2, 2 + sizeBytes)
    this.#left = sizeBytes === 0 ? said : size.reduce((sum, each) => sum * 256 + each, 0)
    if ((first & 0x0f) === closeOpcode) this.hasClosed = true
    this.#head = []
    return true
  }
}

/** From a server: not masked. */
export function closeFrame(code: number): Uint8Array {
  return new Uint8Array([0x80 | closeOpcode, 2, code >> 8, code & 0xff])
}
