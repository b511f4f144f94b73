/**
 * The page while somebody looks: what has changed of it, as server-sent events. Made once for all
 * who look at the same; without anybody there is no timer.
 */
import type { ServerClock } from '../../lifecycle/clock.ts'

/** A page by its sections; what is the same text as before is not sent again. */
export type Sections = ReadonlyMap<string, string>

interface Viewer<View> {
  readonly view: View
  readonly stream: ReadableStreamDefaultController<Uint8Array>
  /** What it has. */
  sections: Sections
}

const stepMs = 1_000
/** To make the page costs at most this share of one core, however many connections there are. */
const largestShare = 1 / 20

const encoder = new TextEncoder()

function eventOf(html: string): Uint8Array {
  const lines = html.split('\n').map((line) => `data: ${line}\n`)
  return encoder.encode(`${lines.join('')}\n`)
}

interface LiveParts<View> {
  readonly make: (view: View) => Sections
  readonly clock: ServerClock
  /** Everybody is sent away, because the stream would keep something waiting. */
  readonly isOver: () => boolean
  /** Before the page is made. Default: what it shows is there at all times. */
  readonly refresh?: () => Promise<void>
}

export class Live<View> {
  readonly #make: (view: View) => Sections
  readonly #clock: ServerClock
  readonly #isOver: () => boolean
  readonly #refresh: LiveParts<View>['refresh']
  readonly #viewers = new Set<Viewer<View>>()
  #cancel: (() => void) | null = null

  constructor({ make, clock, isOver, refresh }: LiveParts<View>) {
    this.#make = make
    this.#clock = clock
    this.#isOver = isOver
    this.#refresh = refresh
  }

  /** Events for one more viewer, until it leaves. */
  attend(view: View): ReadableStream<Uint8Array> {
    let viewer: Viewer<View> | null = null
    return new ReadableStream({
      start: (stream) => {
        viewer = { view, stream, sections: new Map() }
        this.#viewers.add(viewer)
        this.#tell([viewer])
        this.#cancel ??= this.#clock.after(stepMs, this.#tick)
      },
      cancel: () => {
        if (viewer !== null) this.#leave(viewer)
      },
    })
  }

  get viewers(): number {
    return this.#viewers.size
  }

  #end(): void {
    for (const viewer of this.#viewers) {
      this.#leave(viewer)
      viewer.stream.close()
    }
  }

  #leave(viewer: Viewer<View>): void {
    this.#viewers.delete(viewer)
    if (this.#viewers.size > 0) return
    this.#cancel?.()
    this.#cancel = null
  }

  readonly #tick = (): void => {
    if (this.#isOver()) {
      this.#end()
      return
    }
    if (this.#refresh === undefined) this.#told()
    else void this.#refresh().then(() => this.#told())
  }

  #told(): void {
    // All have left while what they look at was asked for.
    if (this.#viewers.size === 0) return
    const from = this.#clock.now()
    this.#tell(this.#viewers)
    const costMs = this.#clock.now() - from
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(stepMs, costMs / largestShare), this.#tick)
  }

  #tell(viewers: Iterable<Viewer<View>>): void {
    const made = new Map<View, Sections>()
    for (const viewer of viewers) {
      const { view, stream } = viewer
      // Whoever has not read the last event misses this one: the next tells all that changed since.
      if ((stream.desiredSize ?? 0) <= 0) continue
      const sections = made.get(view) ?? this.#make(view)
      made.set(view, sections)
      const changed = [...sections].filter(([id, section]) => viewer.sections.get(id) !== section)
      viewer.sections = sections
      // An event without data is none, and keeps the connection known to be alive.
      stream.enqueue(
        changed.length === 0 ? encoder.encode(':\n\n') : eventOf(changed.map(([, section]) => section).join('\n')),
      )
    }
  }
}
