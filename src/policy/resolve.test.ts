import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type OptionName, optionNames, optionSpecs, type PolicyInput } from './policy.ts'
import { type PresetName, presetNames } from './presets.ts'
import { ConfigError } from './problems.ts'
import { derive, isSet, type Layer, resolveOptions, resolvePolicy, rules } from './resolve.ts'
import { flagOf, variableOf } from './spelling.ts'
import { longestMs } from './units.ts'

const given = (values: Record<string, unknown>): Layer => ({ origin: 'option', values, nameOf: (option) => option })
const resolve = (values: Record<string, unknown>, ...presets: string[]) =>
  resolvePolicy({ layers: [given(values)], presets })

function problemsOf(act: () => unknown): string[] {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    assert.equal(error.code, 'CONFIG_INVALID')
    for (const { message } of error.problems) assert.ok(error.message.includes(message))
    return error.problems.map(({ message }) => message)
  }
  return []
}

describe('resolvePolicy', () => {
  test('takes the first of flag, variable, option, preset, default', () => {
    const layers: Layer[] = [
      { origin: 'flag', values: { headTimeoutMs: '1s' }, nameOf: flagOf },
      { origin: 'environment', values: { headTimeoutMs: '2s', bodyTimeoutMs: '2s' }, nameOf: variableOf },
      given({ headTimeoutMs: 3_000, bodyTimeoutMs: 3_000, writeTimeoutMs: 3_000, idleTimeoutMs: 70_000 }),
    ]
    const { policy, origins } = resolvePolicy({ layers, presets: ['aws-alb', 'kubernetes'] })
    assert.equal(policy.headTimeoutMs, 1_000)
    assert.equal(policy.bodyTimeoutMs, 2_000)
    assert.equal(policy.writeTimeoutMs, 3_000)
    assert.equal(policy.idleTimeoutMs, 70_000)
    assert.equal(policy.drainDelayMs, 5_000)
    assert.equal(policy.discardTimeoutMs, optionSpecs.discardTimeoutMs.default)
    assert.deepEqual(
      [origins.headTimeoutMs, origins.bodyTimeoutMs, origins.writeTimeoutMs, origins.drainDelayMs],
      ['flag', 'environment', 'option', 'preset'],
    )
    assert.equal(origins.discardTimeoutMs, 'default')
    assert.equal(origins.keepAliveHintMs, 'derived')
  })

  test('freezes the policy', () => {
    assert.ok(Object.isFrozen(resolve({}).policy))
  })

  test('combines presets by the longest of each option, in any order', () => {
    assert.equal(resolve({}, 'aws-alb', 'gcp-lb').policy.idleTimeoutMs, 620_000)
    assert.equal(resolve({}, 'gcp-lb', 'aws-alb', 'kubernetes').policy.idleTimeoutMs, 620_000)
  })

  test('derives the hint a second below the idle limit in whole seconds', () => {
    const hint = (idleTimeoutMs: unknown) => resolve({ idleTimeoutMs }).policy.keepAliveHintMs
    assert.equal(hint('5s'), 4_000)
    assert.equal(hint('5500ms'), 4_000)
    assert.equal(hint('2s'), 1_000)
    assert.equal(hint('1999ms'), 0)
    assert.equal(hint('off'), 0)
  })

  test('collects everything that is wrong, by the names that were written', () => {
    const layers: Layer[] = [
      { origin: 'flag', values: { idleTimeoutMs: '5' }, nameOf: flagOf },
      { origin: 'environment', values: { idleTimeoutMs: 'soon', drainTimeoutMs: 'off' }, nameOf: variableOf },
      given({ headTimeoutMs: -1, idelTimeoutMs: 5, bodyTimeoutMs: true }),
    ]
    const problems = problemsOf(() => resolvePolicy({ layers, presets: ['aws-abl'], presetNamedAs: '--preset' }))
    assert.deepEqual(problems.toSorted(), [
      '--idle-timeout: "5" has no unit; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off',
      `--preset: aws-abl is not a preset; did you mean aws-alb?; accepted: ${presetNames.join(', ')}`,
      'HANGUP_DRAIN_TIMEOUT off: it cannot be switched off; accepted: a duration with a unit (250ms, 5s, 2m, 1h)',
      'HANGUP_IDLE_TIMEOUT: "soon" is not a duration; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off',
      'bodyTimeoutMs true: a boolean is not a value that it takes; accepted: a number of ms, a duration with a unit (250ms, 5s, 2m, 1h) or off',
      'headTimeoutMs: -1 is negative; accepted: a number of ms, a duration with a unit (250ms, 5s, 2m, 1h) or off',
      'idelTimeoutMs 5: there is no such option; did you mean idleTimeoutMs?',
    ])
  })

  test('leads to the command for what it alone can do', () => {
    assert.deepEqual(
      problemsOf(() => resolve({ workers: 4, watch: true })),
      [
        'workers 4: there is no such option; serve() serves in its own process: hangup serve <file> --workers <number|auto>',
        'watch true: there is no such option; hangup serve <file> --watch does it',
      ],
    )
  })

  test('takes undefined as absent', () => {
    assert.equal(resolve({ idleTimeoutMs: undefined, nonsense: undefined }).origins.idleTimeoutMs, 'default')
  })
})

describe('a default gives way to a set value, and the report says so', () => {
  const cases: { set: PolicyInput; presets?: PresetName[]; fits: PolicyInput; line: RegExp }[] = [
    {
      set: { keepAliveHintMs: 30_000 },
      fits: { idleTimeoutMs: 31_000 },
      line: /^idleTimeoutMs raised from its default 5s to 31s to fit keepAliveHintMs 30s$/,
    },
    {
      set: { idleTimeoutMs: 300 },
      fits: { minIdleMs: 300, keepAliveHintMs: 0 },
      line: /^minIdleMs lowered from its default 1s to 300ms to fit idleTimeoutMs 300ms$/,
    },
    {
      set: { minIdleMs: 8_000 },
      fits: { idleTimeoutMs: 8_000, keepAliveHintMs: 7_000 },
      line: /^idleTimeoutMs raised from its default 5s to 8s to fit minIdleMs 8s$/,
    },
    {
      set: { drainDelayMs: 8_000, drainSpreadMs: 4_000 },
      fits: { drainTimeoutMs: 22_000 },
      line: /^drainTimeoutMs raised from its default 10s to 22s to fit drainDelayMs 8s and drainSpreadMs 4s$/,
    },
    {
      set: { drainSpreadMs: 6_000 },
      presets: ['kubernetes'],
      fits: { drainTimeoutMs: 21_000 },
      line: /to fit drainDelayMs of preset kubernetes 5s and drainSpreadMs 6s$/,
    },
    {
      set: { drainTimeoutMs: 400 },
      fits: { minIdleMs: 400 },
      line: /^minIdleMs lowered from its default 1s to 400ms to fit drainTimeoutMs 400ms$/,
    },
    {
      set: { minIdleMs: 15_000, idleTimeoutMs: 60_000 },
      fits: { drainTimeoutMs: 25_000 },
      line: /^drainTimeoutMs raised from its default 10s to 25s to fit minIdleMs 15s$/,
    },
  ]
  for (const { set, presets = [], fits, line } of cases) {
    test(JSON.stringify({ ...set, presets }), () => {
      const { policy, origins, fitted } = resolve({ ...set }, ...presets)
      for (const [option, value] of Object.entries(fits) as [OptionName, number][]) {
        assert.equal(policy[option], value, option)
        assert.equal(origins[option], option === 'keepAliveHintMs' ? 'derived' : 'fitted')
      }
      assert.equal(fitted.length, 1)
      assert.match(fitted[0]!, line)
    })
  }

  test('nothing is fitted when nothing needs it', () => {
    assert.deepEqual(resolve({ idleTimeoutMs: 60_000 }).fitted, [])
    assert.deepEqual(resolve({ idleTimeoutMs: 'off', keepAliveHintMs: '1h', minIdleMs: '2s' }).fitted, [])
  })
})

describe('set values that exclude each other are refused', () => {
  const cases: [PolicyInput, PresetName[], RegExp][] = [
    [{ keepAliveHintMs: 6_000, idleTimeoutMs: 5_000 }, [], /^keepAliveHintMs 6s is above idleTimeoutMs 5s/],
    [{ keepAliveHintMs: 70_000 }, ['nginx'], /^keepAliveHintMs 70s is above idleTimeoutMs of preset nginx 65s/],
    [{ keepAliveHintMs: 1_500 }, [], /^keepAliveHintMs 1500ms is not in whole seconds/],
    [{ minIdleMs: 6_000, idleTimeoutMs: 5_000 }, [], /^minIdleMs 6s is above idleTimeoutMs 5s; accepted: up to 5s$/],
    [{ drainTimeoutMs: 4_000 }, ['kubernetes'], /^drainDelayMs of preset kubernetes 5s use up drainTimeoutMs 4s/],
    [{ drainTimeoutMs: 5_000, minIdleMs: 5_001 }, [], /^minIdleMs 5001ms is above what drainTimeoutMs 5s leaves/],
  ]
  for (const [set, presets, message] of cases) {
    test(JSON.stringify({ ...set, presets }), () => {
      const [first] = problemsOf(() => resolve({ ...set }, ...presets))
      assert.match(first ?? '', message)
    })
  }
})

test('one conflict is one message, though a default finds no room either', () => {
  assert.equal(problemsOf(() => resolve({ drainDelayMs: 6_000, drainTimeoutMs: 5_000 })).length, 1)
})

describe('whatever is set', () => {
  const amount = (option: OptionName) => {
    const min = optionSpecs[option].off ? 0 : 1
    const whole = fc.integer({ min: 1, max: 30 }).map((sec) => sec * 1_000)
    return option === 'keepAliveHintMs'
      ? whole
      : fc.oneof(whole, fc.integer({ min, max: 2_000 }), fc.integer({ min, max: longestMs }))
  }
  const joined = [...new Set(rules.flatMap(({ joins }) => joins))]
  const inputs = fc
    .subarray(joined, { maxLength: 3 })
    .chain((options) => fc.record(Object.fromEntries(options.map((option) => [option, amount(option)]))))
  const presets = fc.subarray([...presetNames], { maxLength: 2 })

  test('the policy breaks no rule, no set value is changed, and each changed default has its line', () => {
    let resolvedRuns = 0
    fc.assert(
      fc.property(inputs, presets, (set, chosen) => {
        let resolved: ReturnType<typeof resolve>
        try {
          resolved = resolve(set, ...chosen)
        } catch (error) {
          assert.ok(error instanceof ConfigError)
          return
        }
        resolvedRuns++
        const { policy, origins, fitted } = resolved
        for (const rule of rules) assert.ok(!rule.broken(policy), rule.message(String, policy))
        for (const [option, value] of Object.entries(set)) assert.equal(policy[option as OptionName], value)
        for (const option of optionNames) {
          const spec = optionSpecs[option]
          if (origins[option] === 'default') assert.equal(policy[option], spec.default)
          assert.equal(
            fitted.some((line) => line.startsWith(`${option} `)),
            origins[option] === 'fitted',
            option,
          )
        }
        if (origins.keepAliveHintMs === 'derived') {
          assert.equal(policy.keepAliveHintMs, derive.keepAliveHintMs(policy))
          assert.ok(policy.idleTimeoutMs === 0 || policy.keepAliveHintMs <= policy.idleTimeoutMs)
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(resolvedRuns > 200, `only ${resolvedRuns} of 2,000 inputs were possible: the property says little`)
  })

  test('a refusal is never a default’s fault: what it names was set', () => {
    fc.assert(
      fc.property(inputs, (set) => {
        try {
          resolve(set)
        } catch (error) {
          assert.ok(error instanceof ConfigError)
          for (const { option } of error.problems) assert.ok(option in set, `${option} in ${JSON.stringify(set)}`)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a single set value is always possible', () => {
    for (const option of joined) {
      const whole = fc.integer({ min: 1, max: Math.floor(longestMs / 1_000) }).map((sec) => sec * 1_000)
      fc.assert(fc.property(whole, (value) => assert.equal(resolve({ [option]: value }).policy[option], value)))
    }
  })
})

describe('resolveOptions', () => {
  test('leaves what is not of the policy alone, and only that', () => {
    const resolved = resolveOptions({ port: 0, host: '::1', signals: false, preset: 'heroku', headTimeoutMs: '3s' })
    assert.equal(resolved.policy.idleTimeoutMs, 95_000)
    assert.equal(resolved.policy.headTimeoutMs, 3_000)
    assert.deepEqual(resolved.presets, ['heroku'])
    assert.ok(isSet(resolved.origins.headTimeoutMs))
    const misspelt = { hots: '::1', websocket: {} } as object
    assert.equal(problemsOf(() => resolveOptions(misspelt)).length, 2)
    assert.equal(problemsOf(() => resolveOptions(misspelt, ['websocket'])).length, 1)
  })

  test('takes nothing at all as the defaults', () => {
    assert.equal(resolveOptions().policy.idleTimeoutMs, 5_000)
  })
})
