/**
 * Clients that go at a random byte, on every engine and gateway: the process lives, the next client
 * is served, and nothing is left of them.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { attackWith, type Ending, endings } from './clients.ts'
import { long, seed } from './random.ts'
import { faultsAfter, residentMb, socketsAtRest } from './rest.ts'
import { type TargetKind, targetKinds } from './targets.ts'

const clients = long ? 200 : 25
const longMs = 30_000
const endsWithinMs = 2_000
const lingersMs = 1_500
/** Those after which the connection is gone, and those that are for the limits. */
const quiet: ReadonlySet<Ending> = new Set(['silence', 'junk'])
const atOnce = endings.filter((ending) => !quiet.has(ending))
/** Collectors return memory late; what grows without end passes this soon. */
const growthMb = 64

async function attack(t: TestContext, kind: TargetKind): Promise<void> {
  const target = await kind.start(t)
  const sockets = await socketsAtRest(target, kind.layers)

  /** Clients of every layer, for each of these endings. */
  const wave = async (round: number, ...ways: readonly Ending[]) => {
    const clientsFrom = seed + 1_000 * round
    const attacks = await Promise.all(
      kind.layers.flatMap((layer, i) =>
        ways.map(async (ending, j) => {
          const { letGo } = await attackWith(target, layer, ending, clients, clientsFrom + 1e6 * i + 1e5 * j)
          return { mayStay: quiet.has(ending) && layer.mayStaySilent, letGo }
        }),
      ),
    )
    try {
      const staying = attacks.filter(({ mayStay }) => mayStay)
      if (staying.length > 0) await delay(lingersMs)
      for (const { letGo } of staying) letGo()
      const faults = await faultsAfter(target, kind.layers, sockets, kind.endsSilenceWithinMs)
      assert.deepEqual(faults, [], `${ways.join(' and ')}, round ${round}\n${target.stderr()}`)
    } finally {
      for (const { letGo } of attacks) letGo()
    }
  }

  for (const ending of atOnce) await wave(0, ending)
  await wave(0, ...quiet)
  if (long) {
    const beganAt = performance.now()
    const memory: number[] = []
    for (let round = 1; performance.now() - beganAt < longMs; round++) {
      for (const ending of atOnce) await wave(round, ending)
      memory.push(residentMb(target))
    }
    const middle = memory[memory.length >> 1]!
    const last = memory.at(-1)!
    t.diagnostic(
      `${memory.length} rounds; ${Math.round(middle)} MB after half of them, ${Math.round(last)} MB at the end`,
    )
    assert.ok(last - middle < growthMb, `memory after each round, in MB: ${memory.map(Math.round)}`)
  }
  assert.doesNotMatch(target.stderr(), /^\s+at /m)
  assert.ok(await target.endsWithin(endsWithinMs), `it does not end by itself\n${target.stderr()}`)
}

describe(`clients that go at a random byte (ATTACK_SEED=${seed})`, {
  concurrency: long ? 1 : 5,
  skip: process.platform !== 'linux' && 'reads /proc',
}, () => {
  for (const together of targetKinds) {
    describe(together[0]!.name, { concurrency: 2 }, () => {
      for (const kind of together) test(`leave nothing behind on ${kind.name}`, (t) => attack(t, kind))
    })
  }
})
