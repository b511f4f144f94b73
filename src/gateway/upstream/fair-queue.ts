/**
 * Requests that wait for a connection, in a line for each client. Lines are served in turn; in a
 * full queue the last of the longest line has to go. So a client that asks for everything at once,
 * on one HTTP/2 connection or many of HTTP/1.1, waits behind itself.
 */
export interface Queued {
  readonly want: { readonly client: string }
}

export class FairQueue<Q extends Queued> {
  /** In the order of their turns. No line is empty. */
  readonly #lines = new Map<string, Q[]>()
  #length = 0

  get length(): number {
    return this.#length
  }

  /**
   * Returns who has to go if the queue holds `most` already: the newcomer or another; null: no one.
   */
  push(newcomer: Q, most: number): Q | null {
    let gone: Q | null = null
    if (this.#length >= most) {
      let longest: Q[] = []
      for (const line of this.#lines.values()) if (line.length > longest.length) longest = line
      const own = this.#lines.get(newcomer.want.client)?.length ?? 0
      if (own + 1 >= longest.length) return newcomer
      gone = longest.pop()!
      this.#length -= 1
    }
    this.#add(newcomer, 'last')
    return gone
  }

  /** It was taken and could not be served: it is next again. */
  putBack(one: Q): void {
    this.#add(one, 'first')
  }

  /** The first that will do, in the order of the clients' turns; its client is last then. */
  take(willDo: (one: Q) => boolean = () => true): Q | null {
    for (const [client, line] of this.#lines) {
      const at = line.findIndex(willDo)
      if (at < 0) continue
      const [one] = line.splice(at, 1)
      this.#length -= 1
      this.#lines.delete(client)
      if (line.length > 0) this.#lines.set(client, line)
      return one!
    }
    return null
  }

  /** Takes out all of these. */
  takeAll(which: (one: Q) => boolean): Q[] {
    const taken: Q[] = []
    for (const [client, line] of this.#lines) {
      const left = line.filter((one) => !which(one))
      if (left.length === line.length) continue
      taken.push(...line.filter(which))
      if (left.length === 0) this.#lines.delete(client)
      else this.#lines.set(client, left)
    }
    this.#length -= taken.length
    return taken
  }

  #add(one: Q, where: 'first' | 'last'): void {
    const { client } = one.want
    const line = this.#lines.get(client)
    if (line === undefined) this.#lines.set(client, [one])
    else if (where === 'last') line.push(one)
    else line.unshift(one)
    this.#length += 1
  }
}
