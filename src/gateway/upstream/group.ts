/**
 * The upstreams of one group: their addresses, their health, and which gets the next request. As
 * long as the checks leave one up, there is one to choose: passive ejection never takes the last,
 * and an ejected one is used again if no other is left, or if it answers and no other does.
 */

import type { Clock } from '../../lifecycle/clock.ts'
import type { ConnectTo } from '../../net/transport.ts'
import type { LogCode } from '../../policy/codes.ts'
import { format } from '../../policy/units.ts'
import type { Log } from '../../serve/log.ts'
import type { CheckConfig, GroupConfig, UpstreamConfig } from '../config/config.ts'
import type { UpstreamOptions } from '../config/settings/limits.ts'
import { type FailureName, failures } from '../errors.ts'
import type { MemberStatus, PoolStatus } from '../status.ts'
import { type Candidate, choose, hash, Rotation } from './balance.ts'
import { literalAddress, type NameStatus, Names } from './dns.ts'
import { Health, slowStartMs, takesRequests } from './health.ts'
import { Tally } from './tally.ts'

/**
 * One address. The sender of a request raises `inFlight`, and lowers it when the response has
 * ended.
 */
export interface Member<P> extends Candidate {
  /** Its URL, and its address where the URL has a name: `http://app:8000 (10.0.0.7)`. */
  readonly name: string
  readonly upstream: UpstreamConfig
  readonly address: ConnectTo
  readonly pool: P
  readonly weight: number
  readonly health: Health
  readonly tally: Tally
  /** Of active checks. Infinity: none is due, none is under way. */
  readonly checkDueAt: number
  readonly checkEndsAt: number
}

type Slot<P> = { -readonly [K in keyof Member<P>]: Member<P>[K] }

export interface GroupDeps<P> {
  readonly clock: Clock
  /** [0, 1) */
  random(): number
  makePool(upstream: UpstreamConfig, address: ConnectTo, options: UpstreamOptions): P
  /** A reload has changed the options of its group. */
  changePool(pool: P, options: UpstreamOptions): void
  /** Default: nobody knows. */
  poolStatus?(pool: P): PoolStatus
  /** It finishes what it does and gets nothing new. */
  closePool(pool: P): void
  /** All addresses of a name, of both families; null: the connect looks them up. */
  readonly resolve: ((name: string) => Promise<readonly string[]>) | null
  /**
   * One active check; one that throws has failed. The group does not wait longer than its
   * `timeoutMs`.
   */
  check(member: Member<P>, check: CheckConfig): Promise<boolean>
  readonly log: Log
}

export class Group<P> {
  readonly #deps: GroupDeps<P>
  readonly #names: Names
  #config: GroupConfig
  #members = new Map<string, Slot<P>>()
  /** Those that take requests. */
  #available: Slot<P>[] = []
  /** All of them have the same share. */
  #isEven = true
  readonly #rotation = new Rotation()
  /** Requests that were sent once more, and those that the budget had no retry for. */
  readonly retries = { made: 0, refused: 0 }
  #cancelTimer = (): void => {}

  constructor(config: GroupConfig, deps: GroupDeps<P>) {
    this.#deps = deps
    this.#config = config
    this.#names = new Names({
      now: () => deps.clock.now(),
      random: deps.random,
      resolve: (name) => deps.resolve?.(name) ?? Promise.resolve([]),
      log: deps.log,
      changed: () => this.#reconcile(),
    })
    this.update(config)
  }

  /**
   * Resolves when every name has been looked up, with success or without: until then its upstreams
   * are missing.
   */
  ready(): Promise<void> {
    return this.#names.decided()
  }

  /**
   * null: none is up, or all that are have been tried. `keyOf` returns the key of the consistent
   * hash, if the group is balanced by one.
   */
  pick(keyOf: (() => string | null) | null, tried: readonly Member<P>[]): Member<P> | null {
    const up = this.#available
    if (this.#isEven && this.#config.balance.by === 'round-robin') {
      if (tried.length > 0) return this.#rotation.another(up, tried)
      return up.length === 0 ? null : this.#rotation.next(up)
    }
    const candidates = tried.length === 0 ? up : up.filter((member) => !tried.includes(member))
    if (candidates.length === 0) return null
    return choose(this.#config.balance.by, candidates, keyOf, this.#deps.random)
  }

  /**
   * After all that are up have failed a request: the ejected one whose ejection ends first. null:
   * none is ejected.
   */
  lastResort(tried: readonly Member<P>[]): Member<P> | null {
    let found: Slot<P> | null = null
    for (const member of this.#members.values()) {
      if (member.health.state !== 'ejected' || tried.includes(member)) continue
      if (found === null || member.health.dueAt < found.health.dueAt) found = member
    }
    found?.health.onTrial()
    return found
  }

  /** A response came, whatever its status. */
  succeeded(member: Member<P>): void {
    const { health } = member
    if (health.spotless || !health.succeeded(this.#deps.clock.now())) return
    this.#logUp(member, 'it answered when no other did')
    this.#settle()
  }

  /** A failure that `blames` the upstream. */
  failed(member: Member<P>, failure: FailureName | null = null): void {
    if (this.#members.get(member.name) !== member) return
    const { health, name } = member
    const outcome = health.failed(this.#deps.clock.now(), failure, this.#available.length < 2)
    if (outcome === null) return
    const why = failure === null ? '' : ` (${failures[failure].text})`
    const row = `${health.failuresInRow} failure${health.failuresInRow === 1 ? ' since its return' : 's in a row'}${why}`
    if (outcome === 'kept') {
      this.#log(
        'warn',
        'UPSTREAM_KEPT',
        `upstream ${name} stays in use after ${row}: it is the last one of group ${this.#config.name}`,
      )
      return
    }
    const time = format('duration', health.lastEjectionMs)
    this.#log('warn', 'UPSTREAM_EJECTED', `upstream ${name} ejected for ${time} after ${row}`)
    this.#settle()
  }

  /**
   * Members that stay keep their pool and their health. Those that are gone serve until the names
   * of the new configuration have been looked up, so that there always is one.
   */
  update(config: GroupConfig): void {
    const now = this.#deps.clock.now()
    const { check } = config
    const checkChanged = JSON.stringify(check) !== JSON.stringify(this.#config.check)
    this.#config = config
    for (const member of this.#members.values()) {
      this.#deps.changePool(member.pool, config.options)
      if (checkChanged) this.#scheduleFirstCheck(member, now)
      if (check === null && member.health.unchecked(now)) this.#logUp(member, 'active checks are off now')
    }
    this.#names.keep(new Set(config.upstreams.filter((upstream) => this.#isResolved(upstream)).map(({ host }) => host)))
    this.#reconcile()
  }

  close(): void {
    this.#cancelTimer()
    this.#names.keep(new Set())
    for (const { pool } of this.#members.values()) this.#deps.closePool(pool)
    this.#members.clear()
    this.#available = []
  }

  /**
   * Does what is due. A timer calls it; on Workers, where timers end with a request, it is called
   * before `pick`.
   */
  tick(): void {
    const now = this.#deps.clock.now()
    this.#names.look(now)
    for (const member of this.#members.values()) {
      const before = member.health.state
      if (member.health.look(now) && before === 'ejected') this.#logUp(member, 'its ejection is over')
      this.#lookAtCheck(member, now)
    }
    this.#settle()
  }

  get members(): readonly Member<P>[] {
    return [...this.#members.values()]
  }

  status(): readonly MemberStatus[] {
    const now = this.#deps.clock.now()
    return [...this.#members.values()].map(({ name, inFlight, pool, weight, health }) => ({
      name,
      state: health.state,
      inFlight,
      pool: this.#deps.poolStatus?.(pool) ?? null,
      weight,
      share: takesRequests(health.state) ? health.share : 0,
      failuresInRow: health.failuresInRow,
      lastFailure: health.lastFailure,
      ejectedForMs: health.state === 'ejected' ? Math.max(0, health.dueAt - now) : 0,
      checkPassed: health.checkPassed,
    }))
  }

  /** Of the names among its upstreams. */
  names(): readonly NameStatus[] {
    return this.#names.status()
  }

  /** Brings the members in line with the configuration and the names. */
  #reconcile(): void {
    const left = this.#members
    this.#members = new Map()
    for (const upstream of this.#config.upstreams) {
      for (const host of this.#hostsOf(upstream)) {
        const name = host === upstream.host ? upstream.url : `${upstream.url} (${host})`
        const known = left.get(name)
        const stays = known !== undefined && sameConnections(known.upstream, upstream)
        const member = stays ? known : this.#newMember(name, upstream, host)
        member.upstream = upstream
        member.weight = upstream.weight
        this.#members.set(name, member)
        if (stays) left.delete(name)
      }
    }
    for (const [name, member] of left) {
      if (this.#names.undecided && !this.#members.has(name)) this.#members.set(name, member)
      else this.#deps.closePool(member.pool)
    }
    this.#settle()
  }

  #hostsOf(upstream: UpstreamConfig): readonly string[] {
    return this.#isResolved(upstream) ? this.#names.addressesOf(upstream.host) : [upstream.host]
  }

  #isResolved({ host, unix }: UpstreamConfig): boolean {
    return this.#deps.resolve !== null && unix === null && literalAddress(host) === null
  }

  #newMember(name: string, upstream: UpstreamConfig, host: string): Slot<P> {
    const { port, unix, tls } = upstream
    const address: ConnectTo = {
      host: literalAddress(host) ?? host,
      port,
      ...(unix !== null && { unix }),
      ...(tls !== null && { tls }),
    }
    const member: Slot<P> = {
      name,
      upstream,
      address,
      pool: this.#deps.makePool(upstream, address, this.#config.options),
      weight: upstream.weight,
      health: new Health(),
      tally: new Tally(),
      inFlight: 0,
      share: upstream.weight,
      behind: 0,
      seed: hash(name),
      checkDueAt: Number.POSITIVE_INFINITY,
      checkEndsAt: Number.POSITIVE_INFINITY,
    }
    this.#scheduleFirstCheck(member, this.#deps.clock.now())
    return member
  }

  /** Who takes requests, how large a part, and when to look again. */
  #settle(): void {
    const members = [...this.#members.values()]
    if (!members.some(({ health }) => takesRequests(health.state))) {
      for (const member of members) if (member.health.noOther()) this.#logUp(member, 'no other upstream is left')
    }
    const available: Slot<P>[] = []
    let dueAt = this.#names.dueAt
    for (const member of members) {
      member.share = member.weight * member.health.share
      if (takesRequests(member.health.state)) available.push(member)
      else member.behind = 0
      const checkAt = member.checkEndsAt === Number.POSITIVE_INFINITY ? member.checkDueAt : member.checkEndsAt
      dueAt = Math.min(dueAt, member.health.dueAt, checkAt)
    }
    this.#available = available
    this.#isEven = available.every(({ share }) => share === available[0]!.share)
    this.#arm(dueAt)
  }

  #arm(dueAt: number): void {
    this.#cancelTimer()
    if (dueAt === Number.POSITIVE_INFINITY) return
    const { clock } = this.#deps
    this.#cancelTimer = clock.after(Math.max(0, dueAt - clock.now()), () => this.tick())
  }

  #scheduleFirstCheck(member: Slot<P>, now: number): void {
    const { check } = this.#config
    member.checkEndsAt = Number.POSITIVE_INFINITY
    member.checkDueAt = check === null ? Number.POSITIVE_INFINITY : now + check.intervalMs * 0.1 * this.#deps.random()
  }

  #lookAtCheck(member: Slot<P>, now: number): void {
    const { check } = this.#config
    if (check === null) return
    if (now >= member.checkEndsAt) this.#checked(member, check, false)
    if (member.checkEndsAt !== Number.POSITIVE_INFINITY || now < member.checkDueAt) return
    member.checkDueAt = now + check.intervalMs * (0.9 + 0.2 * this.#deps.random())
    member.checkEndsAt = now + check.timeoutMs
    void this.#check(member, check, member.checkEndsAt)
  }

  async #check(member: Slot<P>, check: CheckConfig, endsAt: number): Promise<void> {
    let passed: boolean
    try {
      passed = await this.#deps.check(member, check)
    } catch {
      passed = false
    }
    // It is late, its member is gone, or the checks have changed.
    if (member.checkEndsAt !== endsAt || this.#members.get(member.name) !== member) return
    this.#checked(member, check, passed)
    this.#settle()
  }

  #checked(member: Slot<P>, check: CheckConfig, passed: boolean): void {
    const { health } = member
    member.checkEndsAt = Number.POSITIVE_INFINITY
    if (!health.checked(this.#deps.clock.now(), passed, check)) return
    const checks = `${health.checksInRow} check${health.checksInRow === 1 ? '' : 's in a row'}`
    if (passed) this.#logUp(member, `it passed ${checks}`)
    else this.#log('warn', 'UPSTREAM_DOWN', `upstream ${member.name} is down: it failed ${checks} of ${check.path}`)
  }

  #logUp({ name, health }: Member<P>, why: string): void {
    const slowly = health.state === 'slow-start' ? `, with its full share in ${format('duration', slowStartMs)}` : ''
    this.#log('info', 'UPSTREAM_UP', `upstream ${name} is used again${slowly}: ${why}`)
  }

  #log(level: 'info' | 'warn', code: LogCode, message: string): void {
    this.#deps.log({ level, code, message, count: 1 })
  }
}

/** Whether connections to one serve the other as well. */
function sameConnections(a: UpstreamConfig, b: UpstreamConfig): boolean {
  const of = ({ host, port, unix, tls, proxyProtocol }: UpstreamConfig) =>
    JSON.stringify([host, port, unix, tls, proxyProtocol])
  return of(a) === of(b)
}
