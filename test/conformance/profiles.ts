/** The policies that servers are started under: only what the profile's cases need, and short. */
import type { Policy } from '../../src/policy/policy.ts'
import type { ProfileName } from '../../src/probe/case.ts'

/** In the unit of their names. */
type Limits = Omit<Policy, 'streams'>

export interface Profile {
  readonly policy: Partial<Limits>
  /** `built-in`: without `--app`. `routes`: the fixture, with pages under limits of their own. */
  readonly app: 'fixture' | 'routes' | 'built-in'
}

const fixture = (policy: Partial<Limits>): Profile => ({ policy, app: 'fixture' })

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  timed: fixture({
    handshakeTimeoutMs: 2_500,
    headTimeoutMs: 3_000,
    bodyTimeoutMs: 2_500,
    minBodyBytesPerSec: 1_000,
    minRateGraceMs: 2_000,
    writeTimeoutMs: 3_000,
    // A reader that has stalled is also below any rate, and would be cut off by that at the end of the grace.
    minResponseBytesPerSec: 0,
    discardTimeoutMs: 2_000,
    idleTimeoutMs: 2_000,
  }),
  // Nothing of it is timed: what a frame is answered with, at once.
  protocol: fixture({}),
  dripping: fixture({ minResponseBytesPerSec: 2 * 2 ** 20, minRateGraceMs: 2_000 }),
  stream: fixture({ streamIdleTimeoutMs: 1_500, uploadTimeoutMs: 2_000 }),
  handler: fixture({ handlerTimeoutMs: 1_000 }),
  behind: fixture({ maxLoopLagMs: 200 }),
  routed: {
    policy: {
      bodyTimeoutMs: 1_500,
      minBodyBytesPerSec: 1_000,
      // These are no shorter than the last moment at which a body that fell silent may be ended.
      minRateGraceMs: 2_200,
      uploadTimeoutMs: 2_200,
      handlerTimeoutMs: 2_200,
      writeTimeoutMs: 1_500,
      streamIdleTimeoutMs: 1_500,
      idleTimeoutMs: 2_000,
      maxBodyBytes: 64 * 2 ** 10,
    },
    app: 'routes',
  },
  // What it is anyway: `Deno.serve` has a larger one of its own, unless one is set.
  sized: fixture({ maxBodyBytes: 64 * 2 ** 10, maxHeadBytes: 16 * 2 ** 10, maxHeadFields: 100 }),
  counted: fixture({ maxRequestsPerConnection: 5 }),
  // Without a promise an idle connection ends when it is old enough, not some time later.
  aged: fixture({ maxConnectionAgeMs: 3_000, keepAliveHintMs: 0 }),
  crowded: fixture({ maxConnections: 20 }),
  crowd: fixture({ idleTimeoutMs: 3_000 }),
  race: fixture({ idleTimeoutMs: 2_000 }),
  drain: fixture({}),
  'drain-cut': fixture({ drainTimeoutMs: 2_500 }),
  // Readiness is the built-in app's own: only it knows the phase.
  'drain-announce': { policy: { drainDelayMs: 1_500 }, app: 'built-in' },
}
