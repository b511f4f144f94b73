/** Frees a server that has run out: chooses who goes, ends them, and looks whether it helped. */
import type { Libc } from '../kernel/libc.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { BorrowError, type Ended, EPERM, Lender } from './borrow.ts'
import { isDue, type Limits } from './judge.ts'
import { CAP_NET_ADMIN, countDescriptors, isCapable, type Process } from './processes.ts'
import type { SockDiag } from './sock-diag.ts'
import { type Client, type Survey, type SurveyOf, survey } from './survey.ts'

export interface Plan extends Limits, SurveyOf {
  /** At most so many at a time. */
  readonly max: number | null
  /** Of those that are idle, the newest that stay. */
  readonly keepNewest: number
}

/** What a server has run out of; null: nothing. */
export type Exhausted = 'descriptors' | 'workers' | null

/** Free descriptors below which a process can't be said to work. */
const fewDescriptors = 4

/** Who is to go, the longest quiet first. */
export function choose({ clients }: Survey, plan: Plan): Client[] {
  const byQuiet = clients
    .filter(({ verdict }) => verdict.kind !== 'busy' && verdict.kind !== 'close-wait')
    .sort((a, b) => b.verdict.quietMs - a.verdict.quietMs)
  const idle = byQuiet.filter(({ verdict }) => verdict.kind === 'idle')
  const kept = new Set(plan.keepNewest === 0 ? [] : idle.slice(-plan.keepNewest))
  const due = byQuiet.filter((client) => isDue(client.verdict, plan) && !kept.has(client))
  return plan.max === null ? due : due.slice(0, plan.max)
}

/** A pool of workers is full when connections wait to be accepted and nobody works. */
export function exhausted({ processes, acceptQueue }: Survey): Exhausted {
  if (processes.some(({ limit, descriptors }) => limit - descriptors <= fewDescriptors)) return 'descriptors'
  return acceptQueue > 0 && processes.length > 0 && processes.every(({ sleeps }) => sleeps) ? 'workers' : null
}

type Way = 'shutdown' | 'reset'

export interface Outcome {
  readonly chosen: number
  readonly ended: Readonly<Record<Ended, number>>
  /** How they were ended: in an orderly way, or by RST where descriptors may not be borrowed. */
  readonly way: Way
}

/** Whether connections may be ended by RST, whoever has them. */
export const mayReset = (): boolean => isCapable(CAP_NET_ADMIN)

export interface Kit {
  readonly libc: Libc
  readonly diag: SockDiag
  readonly clock: Clock
}

/** Throws a `BorrowError` where neither way is allowed. */
export function end({ libc, diag }: Kit, chosen: readonly Client[], limits: Limits): Outcome {
  const ended: Record<Ended, number> = { closed: 0, raced: 0, spared: 0, gone: 0 }
  const lenders = new Map<number, Lender>()
  let way: Way = 'shutdown'
  try {
    for (const { at, socket } of chosen) {
      if (at === null) way = 'reset'
      try {
        if (way === 'shutdown') {
          const { pid, fd } = at!
          const lender = lenders.get(pid) ?? new Lender(libc, pid)
          lenders.set(pid, lender)
          ended[lender.end(fd, socket.remotePort, limits)] += 1
          continue
        }
      } catch (error) {
        if (!(error instanceof BorrowError) || error.errno !== EPERM || !mayReset()) throw error
        way = 'reset'
      }
      ended[diag.destroy(socket) === 0 ? 'closed' : 'gone'] += 1
    }
  } finally {
    for (const lender of lenders.values()) lender.close()
  }
  return { chosen: chosen.length, ended, way }
}

/**
 * A server needs a turn of its loop to see the end of a connection; Go waits for up to a second
 * before it accepts again.
 */
const settleMs = 2_000
const lookEveryMs = 50

/**
 * Waits until the processes have given back what was ended, or two seconds are over; returns how it
 * is then.
 */
export async function settled(
  kit: Pick<Kit, 'diag' | 'clock'>,
  plan: SurveyOf,
  before: readonly Process[],
  freed: number,
): Promise<Survey> {
  const held = before.reduce((sum, { descriptors }) => sum + descriptors, 0)
  const count = () => before.reduce((sum, { pid }) => sum + (countDescriptors(pid) ?? 0), 0)
  const { diag, clock } = kit
  const untilMs = clock.now() + settleMs
  while (clock.now() < untilMs && count() > held - freed) await sleep(lookEveryMs, clock)
  let after = survey(diag, plan, clock)
  // Those that waited to be accepted are being accepted now.
  while (clock.now() < untilMs && exhausted(after) !== null) {
    await sleep(lookEveryMs, clock)
    after = survey(diag, plan, clock)
  }
  return after
}
