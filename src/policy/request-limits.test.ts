import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enforcementOf } from './enforcement.ts'
import { optionNames } from './policy.ts'
import { ConfigError } from './problems.ts'
import { changesText, type RequestLimits, readRequestLimits, requestLimits, routeProblem } from './request-limits.ts'

function refusals(given: unknown): string[] {
  try {
    readRequestLimits(given as RequestLimits)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ message }) => message)
  }
  return []
}

test('a route changes the limits of a request, and none of a connection', () => {
  assert.deepEqual(requestLimits.toSorted(), [
    'bodyTimeoutMs',
    'handlerTimeoutMs',
    'maxBodyBytes',
    'minBodyBytesPerSec',
    'minRateGraceMs',
    'minResponseBytesPerSec',
    'streamIdleTimeoutMs',
    'uploadTimeoutMs',
    'writeTimeoutMs',
  ])
})

test('values are read as serve() reads them', () => {
  const given = { bodyTimeoutMs: '30m', handlerTimeoutMs: 'off', maxBodyBytes: '2gb', writeTimeoutMs: 500 } as const
  const changes = readRequestLimits({ ...given, uploadTimeoutMs: undefined })
  assert.deepEqual(changes, {
    bodyTimeoutMs: 1_800_000,
    handlerTimeoutMs: 0,
    maxBodyBytes: 2 ** 31,
    writeTimeoutMs: 500,
  })
  assert.equal(changesText(changes), 'bodyTimeoutMs 30m, handlerTimeoutMs off, maxBodyBytes 2gb, writeTimeoutMs 500ms')
})

test('everything that is wrong is said at once, with the option and what to do', () => {
  const list = requestLimits.join(', ')
  assert.deepEqual(refusals({ bodyTimoutMs: '30m', idleTimeoutMs: '1h', maxBodyBytes: '30s', writeTimeoutMs: true }), [
    `limits({ bodyTimoutMs }) 30m: there is no such option; did you mean bodyTimeoutMs?; accepted: ${list}`,
    `limits({ idleTimeoutMs }) 1h: it is not a limit of one request, so a route can’t change it; give it to serve(); accepted: ${list}`,
    'limits({ maxBodyBytes }): "30s": s is not a unit of a size; accepted: a number of bytes, a size with a unit (512b, 64kb, 1mb, 2gb; 1gb is 2^30 bytes) or off',
    'limits({ writeTimeoutMs }) true: a boolean is not a value that it takes; accepted: a number of ms, a duration with a unit (250ms, 5s, 2m, 1h) or off',
  ])
  for (const given of [undefined, null, '30m', ['30m']]) assert.equal(refusals(given).length, 1, String(given))
  assert.deepEqual(refusals({ minRateGraceMs: 'off', bodyTimeoutMs: '30' }).length, 2)
})

test('an engine that can’t change a limit for one request says so; off is no change where nobody holds it', () => {
  const workers = enforcementOf('workers')
  const asked = (option: (typeof requestLimits)[number], value: number) =>
    routeProblem({ option, value, writtenAs: `limits({ ${option} })` }, workers, 'Workers')
  assert.equal(asked('handlerTimeoutMs', 1_000), null)
  assert.match(
    asked('maxBodyBytes', 2 ** 31)?.message ?? '',
    /^limits\(\{ maxBodyBytes \}\) 2gb: on Workers a route can’t change it \(413 from .*accepted: leaving it out, or /,
  )
  assert.notEqual(asked('streamIdleTimeoutMs', 60_000), null)
  assert.equal(asked('streamIdleTimeoutMs', 0), null)
  assert.notEqual(asked('bodyTimeoutMs', 0), null, 'the platform holds one')
  const bun = enforcementOf('bunIdleTimer')
  const tooLong = { option: 'writeTimeoutMs', value: 600_000, writtenAs: 'limits({ writeTimeoutMs })' } as const
  assert.match(routeProblem(tooLong, bun, 'Bun')?.message ?? '', /only at most 252s is enforced/)
})

test('who can change a limit for a request holds it', () => {
  for (const engine of ['socketEngine', 'nodeHttp', 'denoServe', 'bunServe', 'bunIdleTimer', 'workers'] as const) {
    const enforcement = enforcementOf(engine)
    for (const option of optionNames) {
      const { by, byRoute } = enforcement[option]
      if (byRoute !== undefined) assert.equal(by, 'us', `${engine}: ${option}`)
    }
  }
})
