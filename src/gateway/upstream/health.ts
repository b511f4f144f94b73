/**
 * The health of one upstream: whether it gets requests, and how large a part of them. It fails by
 * failed requests (passive) or by checks (active, if a path is configured). The group decides
 * whether it can do without this upstream.
 */
import type { CheckConfig } from '../config/config.ts'
import type { FailureName } from '../errors.ts'

export const healthStates = ['up', 'slow-start', 'ejected', 'down'] as const
export type HealthState = (typeof healthStates)[number]
export type HealthEvent = 'fails' | 'ejectionOver' | 'noOther' | 'answers' | 'ramped' | 'checksFail' | 'checksPass'

/**
 * Every move. An event that is missing from a row changes nothing: requests in flight report after
 * a move, too.
 */
export const moves: Readonly<Record<HealthState, Readonly<Partial<Record<HealthEvent, HealthState>>>>> = {
  up: { fails: 'ejected', checksFail: 'down' },
  'slow-start': { fails: 'ejected', checksFail: 'down', ramped: 'up' },
  ejected: {
    ejectionOver: 'slow-start',
    noOther: 'up',
    answers: 'up',
    checksFail: 'down',
    checksPass: 'slow-start',
  },
  down: { checksPass: 'slow-start' },
}

/**
 * Envoy's `consecutive_gateway_failure`. With nginx's `max_fails` of 1, one unlucky client puts a
 * server out.
 */
export const failuresToEject = 5
/**
 * nginx's `fail_timeout`, doubled each time that it does not help (Envoy adds it each time, also up
 * to 5 minutes).
 */
const ejectMs = 10_000
export const longestEjectMs = 300_000
/** A minute without trouble undoes one doubling. */
export const forgiveMs = 60_000
/** Its share grows by a tenth a second. */
export const slowStartMs = 10_000
const slowStartSteps = 10
const slowStartStepMs = slowStartMs / slowStartSteps

export const takesRequests = (state: HealthState): boolean => state === 'up' || state === 'slow-start'

export class Health {
  #state: HealthState = 'up'
  /** When `look` has something to do. */
  #dueAt = Number.POSITIVE_INFINITY
  #share = 1
  #rampedFrom = 0
  #failuresInRow = 0
  #lastFailure: FailureName | null = null
  /** It is back from an ejection and has not answered since: the first failure ejects it again. */
  #onProbation = false
  /** It is ejected and was asked all the same: its next response ends the ejection. */
  #onTrial = false
  #doublings = 0
  #goodSince: number | null = null
  #lastEjectionMs = 0
  #checkPassed: boolean | null = null
  #checksInRow = 0

  get state(): HealthState {
    return this.#state
  }

  get dueAt(): number {
    return this.#dueAt
  }

  /** 1, or less during a slow start. */
  get share(): number {
    return this.#share
  }

  get failuresInRow(): number {
    return this.#failuresInRow
  }

  get lastFailure(): FailureName | null {
    return this.#lastFailure
  }

  /** 0: there was none. */
  get lastEjectionMs(): number {
    return this.#lastEjectionMs
  }

  /** null: none was made yet. */
  get checkPassed(): boolean | null {
    return this.#checkPassed
  }

  get checksInRow(): number {
    return this.#checksInRow
  }

  /** Another success would change nothing. */
  get spotless(): boolean {
    return this.#failuresInRow === 0 && !this.#onProbation
  }

  /** No other has answered, so it is asked although it is ejected. */
  onTrial(): void {
    this.#onTrial = true
  }

  /** Whether that ended its ejection. */
  succeeded(now: number): boolean {
    const ejected = this.#state === 'ejected'
    // A request that was in flight at the ejection says nothing about new ones.
    if (ejected ? !this.#onTrial : !takesRequests(this.#state)) return false
    if (ejected) this.#takeBack('answers')
    this.#failuresInRow = 0
    if (this.#onProbation) {
      this.#onProbation = false
      this.#goodSince = now
    }
    return ejected
  }

  /** `spared`: no other takes requests. Returns `kept` once in a row of failures. */
  failed(now: number, failure: FailureName | null, spared: boolean): 'ejected' | 'kept' | null {
    if (!takesRequests(this.#state)) return null
    this.#failuresInRow += 1
    this.#lastFailure = failure
    const enough = this.#onProbation ? 1 : failuresToEject
    if (this.#failuresInRow < enough) return null
    if (spared) return this.#failuresInRow === enough ? 'kept' : null
    this.#eject(now)
    return 'ejected'
  }

  /** Whether its state or its share changed. */
  look(now: number): boolean {
    if (now < this.#dueAt) return false
    if (this.#state === 'ejected') {
      this.#return('ejectionOver')
      this.#ramp(now)
      return true
    }
    const step = Math.round((now - this.#rampedFrom) / slowStartStepMs)
    if (step >= slowStartSteps) {
      this.#move('ramped')
      this.#share = 1
      this.#dueAt = Number.POSITIVE_INFINITY
    } else {
      this.#share = step / slowStartSteps
      this.#dueAt = this.#rampedFrom + (step + 1) * slowStartStepMs
    }
    return true
  }

  /**
   * No other takes requests: one that may fail is better than none. Returns whether that changed
   * anything.
   */
  noOther(): boolean {
    if (this.#state !== 'ejected') return false
    this.#takeBack('noOther')
    return true
  }

  /** Whether that changed its state. */
  checked(now: number, passed: boolean, { healthyAfter, unhealthyAfter }: CheckConfig): boolean {
    this.#checksInRow = passed === this.#checkPassed ? this.#checksInRow + 1 : 1
    this.#checkPassed = passed
    // Failed requests ejected it, so one passed check is enough. If they go on, the next failure
    // ejects it again.
    const needed = passed ? (this.#state === 'ejected' ? 1 : healthyAfter) : unhealthyAfter
    if (this.#checksInRow < needed) return false
    if (passed) return this.#rise(now)
    if (!this.#move('checksFail')) return false
    this.#failuresInRow = 0
    this.#onProbation = false
    this.#dueAt = Number.POSITIVE_INFINITY
    return true
  }

  /** No checks are made any more. Whether that changed its state. */
  unchecked(now: number): boolean {
    this.#checkPassed = null
    this.#checksInRow = 0
    return this.#state === 'down' && this.#rise(now)
  }

  #move(event: HealthEvent): boolean {
    const next = moves[this.#state][event]
    if (next === undefined) return false
    this.#state = next
    return true
  }

  #eject(now: number): void {
    const forgiven = this.#goodSince === null ? 0 : Math.floor((now - this.#goodSince) / forgiveMs)
    const doublings = Math.max(0, this.#doublings - forgiven)
    this.#lastEjectionMs = Math.min(ejectMs * 2 ** doublings, longestEjectMs)
    this.#doublings = this.#lastEjectionMs === longestEjectMs ? doublings : doublings + 1
    this.#goodSince = null
    this.#onTrial = false
    this.#move('fails')
    this.#dueAt = now + this.#lastEjectionMs
  }

  #return(event: 'ejectionOver' | 'noOther' | 'answers' | 'checksPass'): void {
    this.#move(event)
    this.#failuresInRow = 0
    this.#onProbation = true
  }

  /** With its full share at once: it is needed. */
  #takeBack(event: 'noOther' | 'answers'): void {
    this.#return(event)
    this.#share = 1
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  #rise(now: number): boolean {
    if (this.#state === 'ejected') this.#return('checksPass')
    else if (!this.#move('checksPass')) return false
    this.#ramp(now)
    return true
  }

  #ramp(now: number): void {
    this.#rampedFrom = now
    this.#share = 1 / slowStartSteps
    this.#dueAt = now + slowStartStepMs
  }
}
