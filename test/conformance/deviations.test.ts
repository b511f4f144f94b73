import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { http2Rows } from '../../src/policy/http2.ts'
import { optionNames } from '../../src/policy/policy.ts'
import { resolvePolicy } from '../../src/policy/resolve.ts'
import { cases } from '../../src/probe/cases/index.ts'
import { deviations } from './deviations.ts'
import { profiles } from './profiles.ts'
import { runtimeNames, runtimes } from './runtimes.ts'
import { casesFor, transports } from './suite.ts'

for (const name of runtimeNames) {
  describe(`the deviations of ${name}`, () => {
    const ids = new Set(transports.flatMap((transport) => casesFor(cases, name, transport).map(({ id }) => id)))
    const named = deviations[name].flatMap((deviation) => deviation.cases)

    // A misspelt case is known for nothing, and nothing turns red.
    test('name cases that run there', () => {
      assert.deepEqual(
        named.filter((id) => !ids.has(id)),
        [],
      )
    })

    test('name a case once', () => {
      const once = new Set(
        deviations[name].flatMap(({ cases, transports = ['both'] }) => cases.map((id) => `${id} ${transports}`)),
      )
      assert.equal(once.size, named.length)
    })

    test('accept only ends that the case does not', () => {
      for (const { cases: known, accept = [] } of deviations[name]) {
        for (const id of known) {
          const { steps } = cases.find((one) => one.id === id) ?? {}
          const wanted = JSON.stringify(steps, (key, value) => (key === 'allowed' ? undefined : value))
          for (const end of accept) assert.ok(!wanted.includes(`"${end}"`), `${id}: ${end}`)
        }
      }
    })
  })
}

describe('the table of HTTP/2', () => {
  const ids = new Set(cases.map(({ id }) => id))
  const columns = { nodeHttp: 'node', denoServe: 'deno' } as const

  for (const { what, cases: proofs, ...row } of http2Rows) {
    test(`has cases for its row: ${what}`, () => {
      assert.deepEqual(
        proofs.filter((id) => !ids.has(id)),
        [],
      )
    })

    for (const [engine, name] of Object.entries(columns) as ['nodeHttp' | 'denoServe', 'node' | 'deno'][]) {
      test(`says of ${name} what its cases say: ${what}`, () => {
        const failed = deviations[name].flatMap((known) => known.cases).filter((id) => proofs.includes(id))
        assert.equal(row[engine].by === 'nobody', failed.length > 0, failed.join())
      })
    }
  }
})

test('every case suits the policy that its servers are started under', () => {
  for (const { id, profile, suits = {} } of cases) {
    const { policy } = resolvePolicy({
      layers: [{ origin: 'option', values: profiles[profile].policy, nameOf: String }],
    })
    for (const name of optionNames) {
      const { least = 0, most = Number.POSITIVE_INFINITY } = suits[name] ?? {}
      assert.ok(policy[name] === 0 || (policy[name] >= least && policy[name] <= most), `${id}: ${name} ${policy[name]}`)
    }
  }
})

test('the hangup engine has none', () => {
  const own = runtimeNames.filter((name) => runtimes[name].listen(0, 'tcp').includes('hangup'))
  assert.deepEqual(
    own.map((name) => [name, deviations[name].length]),
    [
      ['node-hangup', 0],
      ['bun-hangup', 0],
      ['deno-hangup', 0],
    ],
  )
})
