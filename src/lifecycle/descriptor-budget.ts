/**
 * The process's descriptors as a budget for connections: what RLIMIT_NOFILE leaves for them, and
 * how much sooner an idle connection is closed while they run short. It decides how many;
 * `connections.ts` chooses which.
 */
import type { Policy } from '../policy/policy.ts'

/** What a runtime can say of its process. */
export interface Descriptors {
  /** RLIMIT_NOFILE: one more than the largest descriptor there can be. */
  readonly soft: number
  /** In use at the beginning, of everything. */
  readonly atStart: number
  /** In use now; null: it is not to be had cheaply, and connections are counted instead. */
  used(): number | null
}

export interface Shortage {
  readonly used: number
  readonly soft: number
  /** What is left of `idleTimeoutMs`; 0: it is off. */
  readonly idleMs: number
  /** Connections use all that they may, and none of them waits, so none can be closed. */
  readonly full: boolean
}

/** From here on descriptors are short. */
const easeFromShare = 0.8
/**
 * At the budget room is made for a few, as nginx does (ngx_drain_connections): who comes next need
 * not look for it again.
 */
const batchShare = 1 / 64
/** Of what is reserved: a newcomer is turned away rather than that the last of it is used. */
const brimShare = 1 / 4

export class Budget {
  readonly soft: number
  /** Descriptors that may be in use before waiting connections are closed. */
  readonly most: number
  /** Below it nothing is short. */
  readonly easeFrom: number
  readonly batch: number
  /** From here on the table is about to be full. */
  readonly brim: number
  readonly #descriptors: Descriptors
  /** In use for anything but connections. */
  #others: number

  /**
   * Null where the limit is off, or unknown. `beside`: descriptors that the application takes as
   * its connections come.
   */
  static of(descriptors: Descriptors | null, { reservedDescriptors }: Policy, beside = 0): Budget | null {
    if (descriptors === null || reservedDescriptors === 0) return null
    return new Budget(descriptors, reservedDescriptors + beside)
  }

  private constructor(descriptors: Descriptors, reserved: number) {
    const { soft, atStart } = descriptors
    this.#descriptors = descriptors
    this.#others = atStart
    this.soft = soft
    this.most = soft - Math.min(reserved, Math.floor(soft / 2))
    this.easeFrom = Math.floor(this.most * easeFromShare)
    this.brim = soft - Math.ceil((soft - this.most) * brimShare)
    this.batch = Math.max(1, Math.floor(this.most * batchShare))
  }

  /**
   * Descriptors in use, with so many connections open: estimated while there are plenty, else asked
   * for.
   */
  used(connections: number): number {
    const estimate = this.#others + connections
    return estimate < this.easeFrom ? estimate : this.measure(connections)
  }

  /** Asks, and so learns what else is open. */
  measure(connections: number): number {
    const used = this.#descriptors.used()
    if (used === null) return this.#others + connections
    this.#others = Math.max(0, used - connections)
    return used
  }

  /**
   * The idle limit at so many in use: it shrinks from `easeFrom` on, and at the budget is
   * `minIdleMs`. 0: off.
   */
  idleMs(used: number, { idleTimeoutMs, minIdleMs }: Policy): number {
    if (idleTimeoutMs === 0 || used < this.easeFrom) return idleTimeoutMs
    const share = Math.min(1, (used - this.easeFrom) / (this.most - this.easeFrom))
    return Math.round(idleTimeoutMs - share * (idleTimeoutMs - Math.min(minIdleMs, idleTimeoutMs)))
  }
}
