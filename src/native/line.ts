/**
 * A line of objects that know their neighbours: to come and to go costs a few writes, and no hash
 * as in a Set. Each stands in one line at a time.
 */
export abstract class InLine<Item extends InLine<Item>> {
  line: Line<Item> | null = null
  before: Item | null = null
  behind: Item | null = null
}

export class Line<Item extends InLine<Item>> implements Iterable<Item> {
  #first: Item | null = null
  #last: Item | null = null

  /** At its end; it leaves the line that it was in. */
  add(item: Item): void {
    item.line?.delete(item)
    item.line = this
    item.before = this.#last
    if (this.#last === null) this.#first = item
    else this.#last.behind = item
    this.#last = item
  }

  /** One that is not in it stays where it is. */
  delete(item: Item): void {
    if (item.line !== this) return
    const { before, behind } = item
    if (before === null) this.#first = behind
    else before.behind = behind
    if (behind === null) this.#last = before
    else behind.before = before
    item.line = null
    item.before = null
    item.behind = null
  }

  /** In the order in which they came. The one that is being looked at may go. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let item = this.#first; item !== null; ) {
      const { behind } = item
      yield item
      item = behind
    }
  }
}
