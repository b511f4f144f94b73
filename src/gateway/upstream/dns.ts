/**
 * The addresses of upstreams that are given by name, looked up again and again. The system's
 * resolver does not say how long an answer is valid (`getaddrinfo` has no TTL), so the interval is
 * ours.
 */
import { type Deferred, deferred } from '../../deferred.ts'
import type { Log } from '../../serve/log.ts'

/** ±10 %, so that a fleet does not ask at once. */
export const resolveEveryMs = 30_000
/** After a failure; doubled up to `resolveEveryMs`. */
const resolveAgainMs = 1_000

export interface NamesDeps {
  now(): number
  random(): number
  /** All addresses, of both families. */
  resolve(name: string): Promise<readonly string[]>
  readonly log: Log
  /** Addresses have changed, the first answer to a name has come, or `dueAt` has changed. */
  changed(): void
}

interface Entry {
  /** The last known ones; empty: none yet. */
  addresses: readonly string[]
  /** Why the last look-up failed; null: it succeeded. */
  failure: string | null
  againMs: number
  /** Infinity during a look-up. */
  dueAt: number
  answered: boolean
  readonly first: Deferred<void>
}

export interface NameStatus {
  readonly name: string
  readonly addresses: readonly string[]
  readonly failure: string | null
}

/** The address if `host` is one, in brackets or not; null: it is a name. */
export function literalAddress(host: string): string | null {
  if (host.startsWith('[')) return host.slice(1, -1)
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host) ? host : null
}

export class Names {
  readonly #deps: NamesDeps
  readonly #entries = new Map<string, Entry>()

  constructor(deps: NamesDeps) {
    this.#deps = deps
  }

  /** Starts to look up new names and forgets those that are not among these. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, { first }] of this.#entries) {
      if (names.has(name)) continue
      this.#entries.delete(name)
      first.resolve()
    }
    for (const name of names) {
      if (this.#entries.has(name)) continue
      const entry: Entry = {
        addresses: [],
        failure: null,
        againMs: resolveAgainMs,
        dueAt: Number.POSITIVE_INFINITY,
        answered: false,
        first: deferred(),
      }
      this.#entries.set(name, entry)
      void this.#ask(name, entry)
    }
  }

  addressesOf(name: string): readonly string[] {
    return this.#entries.get(name)?.addresses ?? []
  }

  /** Some name has had no answer yet, good or bad. */
  get undecided(): boolean {
    for (const { answered } of this.#entries.values()) if (!answered) return true
    return false
  }

  /** Resolves when every name has been looked up, with success or without. */
  async decided(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ first }) => first.promise))
  }

  get dueAt(): number {
    let due = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#entries.values()) due = Math.min(due, dueAt)
    return due
  }

  look(now: number): void {
    for (const [name, entry] of this.#entries) {
      if (now < entry.dueAt) continue
      entry.dueAt = Number.POSITIVE_INFINITY
      void this.#ask(name, entry)
    }
  }

  status(): readonly NameStatus[] {
    return [...this.#entries].map(([name, { addresses, failure }]) => ({ name, addresses, failure }))
  }

  async #ask(name: string, entry: Entry): Promise<void> {
    let addresses: readonly string[] = []
    let failure: string | null = null
    try {
      addresses = [...new Set(await this.#deps.resolve(name))].sort()
      if (addresses.length === 0) failure = 'no address'
    } catch (error) {
      failure = reasonOf(error)
    }
    if (this.#entries.get(name) !== entry) return
    const { now, random, changed } = this.#deps
    if (failure === null) {
      this.#found(name, entry, addresses)
      entry.againMs = resolveAgainMs
      entry.dueAt = now() + resolveEveryMs * (0.9 + 0.2 * random())
    } else {
      this.#missed(name, entry, failure)
      entry.dueAt = now() + entry.againMs
      entry.againMs = Math.min(entry.againMs * 2, resolveEveryMs)
    }
    entry.answered = true
    entry.first.resolve()
    changed()
  }

  #found(name: string, entry: Entry, addresses: readonly string[]): void {
    const same = String(addresses) === String(entry.addresses)
    const again = entry.failure !== null
    entry.failure = null
    entry.addresses = addresses
    if (!entry.answered || (same && !again)) return
    const message = `upstream name ${name} ${again ? 'resolves again' : 'has new addresses'}: ${addresses.join(', ')}`
    this.#deps.log({ level: 'info', code: 'UPSTREAM_RESOLVED', message, count: 1 })
  }

  #missed(name: string, entry: Entry, failure: string): void {
    const first = entry.failure === null
    entry.failure = failure
    if (!first) return
    const kept =
      entry.addresses.length === 0
        ? 'no request goes there until it resolves'
        : `${entry.addresses.join(', ')} stays in use`
    const message = `cannot resolve upstream name ${name} (${failure}): ${kept}`
    this.#deps.log({ level: 'warn', code: 'UPSTREAM_UNRESOLVED', message, count: 1 })
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string') return code
  return error instanceof Error ? error.message : String(error)
}
