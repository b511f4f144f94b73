/**
 * `hangup top` on a terminal: looks, draws, and does what the keys say, until one or a signal ends
 * it.
 */
import type { AdminClient } from '../admin/client.ts'
import { deferred } from '../deferred.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { every } from '../lifecycle/time.ts'
import { exitStatus } from '../policy/exit-status.ts'
import { openText } from '../why/text.ts'
import { type Ask, actOf, keysIn } from './keys.ts'
import { type Look, lookAt } from './look.ts'
import type { Terminal } from './terminal.ts'
import { type Line, rowsOf, screenOf, type View } from './view.ts'

/** Resolves to the exit status. Rejects if the first look fails. */
export async function watch(client: AdminClient, terminal: Terminal, everyMs: number, clock: Clock): Promise<number> {
  const watching = new Watching(client, terminal, await lookAt(client))
  const { promise, resolve } = deferred<number>()
  try {
    terminal.enter({
      keys: (text) => {
        for (const key of keysIn(text)) if (watching.key(key) === 'quit') resolve(exitStatus.done)
      },
      resized: () => watching.draw(),
      ended: resolve,
    })
    watching.draw()
    const stop = every(everyMs, clock, () => void watching.look())
    const status = await promise
    stop()
    return status
  } finally {
    terminal.leave()
  }
}

const asks: Readonly<Record<Ask, string>> = {
  'close idle': 'Close all idle connections? y: yes, any other key: no',
  drain: 'Drain the server, so that it ends? y: yes, any other key: no',
}

class Watching {
  readonly #client: AdminClient
  readonly #terminal: Terminal
  #look: Look
  #rate: number | null = null
  #view: View = { order: 'longest', state: null, selected: null }
  #asked: Ask | null = null
  #moves: string | null = null
  #notice: Line | null = null
  #isPaused = false
  #isLooking = false

  constructor(client: AdminClient, terminal: Terminal, look: Look) {
    this.#client = client
    this.#terminal = terminal
    this.#look = look
  }

  key(key: string): 'quit' | undefined {
    if (this.#asked !== null && key !== '\x03') {
      const asked = this.#asked
      this.#asked = null
      this.#notice = null
      if (key === 'y') void this.#try(() => this.#do(asked))
      this.draw()
      return
    }
    const act = actOf(key, this.#view, this.#look)
    if (act === null) return
    this.#notice = null
    if (act.kind !== 'moves') this.#moves = null
    switch (act.kind) {
      case 'quit':
        return 'quit'
      case 'pause':
        this.#isPaused = !this.#isPaused
        break
      case 'view':
        this.#view = act.view
        break
      case 'ask':
        this.#asked = act.what
        this.#notice = { text: asks[act.what], style: 'wrong' }
        break
      case 'close':
        void this.#try(async () => {
          const isClosed = await this.#client.close(act.id)
          return isClosed ? `#${act.id} is being closed` : `#${act.id} is no longer open`
        })
        break
      case 'moves':
        void this.#try(async () => {
          const open = await this.#client.connection(act.id)
          if (open === null) return `#${act.id} is no longer open; hangup why ${act.id} tells its end`
          this.#moves = openText(open, Date.now(), this.#terminal.size.columns)
          return null
        })
        break
    }
    this.draw()
    return
  }

  async look(): Promise<void> {
    // A listener that is slow is not asked again meanwhile.
    if (this.#isPaused || this.#isLooking) return
    this.#isLooking = true
    try {
      const look = await lookAt(this.#client)
      const seconds = (look.at - this.#look.at) / 1_000
      const requests = look.summary.requests - this.#look.summary.requests
      // Another server may have come in the place of the one before.
      this.#rate = seconds > 0 && requests >= 0 ? requests / seconds : null
      this.#look = look
      if (this.#notice?.style === 'wrong' && this.#asked === null) this.#notice = null
      const { selected } = this.#view
      const isThere = rowsOf(look, this.#view).some(({ id }) => id === selected)
      if (!isThere) this.#view = { ...this.#view, selected: null }
    } catch (error) {
      this.#notice = { text: (error as Error).message, style: 'wrong' }
    } finally {
      this.#isLooking = false
    }
    this.draw()
  }

  draw(): void {
    const notice = this.#notice ?? (this.#isPaused ? { text: 'paused: space goes on' } : null)
    const more = { rate: this.#rate, notice, moves: this.#moves }
    this.#terminal.draw(screenOf(this.#look, this.#view, this.#terminal.size, more))
  }

  async #do(ask: Ask): Promise<string> {
    if (ask === 'close idle') return `${await this.#client.closeIdle()} idle connections are being closed`
    await this.#client.drain()
    return 'the drain has begun'
  }

  /** What it returns is said at the foot. */
  async #try(act: () => Promise<string | null>): Promise<void> {
    try {
      const said = await act()
      if (said !== null) this.#notice = { text: said }
    } catch (error) {
      this.#notice = { text: (error as Error).message, style: 'wrong' }
    }
    this.draw()
  }
}
