import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { optionNames, optionSpecs } from '../policy/policy.ts'
import { ConfigError } from '../policy/problems.ts'
import { givenAs, resolveOptions } from '../policy/resolve.ts'
import { flagOf, variableOf } from '../policy/spelling.ts'
import { asked, readPlaces, readSettings } from './flags.ts'
import { commands, readEnvironment, settingNames, settingSpecs } from './settings.ts'

function refusals(argv: string[], env: Record<string, string | undefined> = {}): string[] {
  try {
    readSettings(argv, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ message }) => message)
  }
  return []
}

describe('readSettings', () => {
  test('without anything is the defaults', () => {
    const { options, settings, resolved } = readSettings([], {})
    assert.deepEqual(options, { globals: 'replace', [givenAs]: options[givenAs] })
    assert.deepEqual(settings, {})
    assert.equal(resolved.policy.idleTimeoutMs, 5_000)
  })

  test('chooses the engine, the globals and the socket', () => {
    const { options } = readSettings(['--engine', 'hangup', '--unix', '/run/a.sock'], { HANGUP_GLOBALS: 'keep' })
    assert.deepEqual([options.engine, options.unix, options.globals], ['hangup', '/run/a.sock', 'keep'])
    assert.throws(
      () => readSettings(['--engine', 'hangupp'], {}),
      /--engine: hangupp is not an engine; did you mean hangup/,
    )
    assert.throws(() => readSettings([], { HANGUP_GLOBALS: 'no' }), /HANGUP_GLOBALS: no is neither replace nor keep/)
  })

  test('reads flags in both spellings', () => {
    const { options, settings } = readSettings(
      ['--port=0', '--host', '::1', '--idle-timeout', '30s', '--max-body=2mb', '--report', 'json', '--app', './a.ts'],
      {},
    )
    assert.equal(options.port, 0)
    assert.equal(options.host, '::1')
    assert.equal(options.idleTimeoutMs, 30_000)
    assert.equal(options.maxBodyBytes, 2 * 2 ** 20)
    assert.equal(settings.report, 'json')
    assert.equal(settings.app, './a.ts')
  })

  test('knows a flag and a variable for every setting and every option of the policy', () => {
    for (const name of optionNames) {
      const value = { duration: '7s', bytes: '7b', rate: '7b/s', count: '7', streams: 'finish' }[optionSpecs[name].kind]
      assert.equal(readSettings([flagOf(name), value], {}).resolved.origins[name], 'flag')
      assert.equal(readSettings([], { [variableOf(name)]: value }).resolved.origins[name], 'environment')
    }
    for (const name of settingNames.filter((name) => !settingSpecs[name].isSwitch)) {
      assert.deepEqual(refusals([flagOf(name), '']), [`${flagOf(name)}: it needs a value`])
    }
  })

  test('a flag whose value may be left out swallows no other', () => {
    const adminOf = (argv: string[], env = {}) => readSettings(argv, env).settings.admin
    assert.equal(adminOf(['--admin']), true)
    assert.equal(adminOf(['--admin', '--port', '1']), true)
    assert.equal(adminOf(['--admin', '9000']), '9000')
    assert.equal(adminOf(['--admin=unix:/run/a.sock']), 'unix:/run/a.sock')
    assert.equal(adminOf([], { HANGUP_ADMIN: 'yes' }), true)
    assert.equal(adminOf(['--admin', 'no'], { HANGUP_ADMIN: '9000' }), false)
    assert.match(refusals(['--admin', 'port'])[0] ?? '', /^--admin: port is not a place.*accepted: a port, /)
  })

  test('a secret has a variable and no flag', () => {
    const token = 'a-token-of-enough-length'
    assert.equal(readSettings([], { HANGUP_ADMIN_TOKEN: token }).settings.adminToken, token)
    const why = 'others on this machine could read it; use the variable HANGUP_ADMIN_TOKEN'
    assert.deepEqual(refusals(['--admin-token', token]), [`--admin-token: there is no such flag: ${why}`])
  })

  test('a flag wins over a variable, a variable over a preset', () => {
    const env = { HANGUP_IDLE_TIMEOUT: '20s', HANGUP_PRESET: 'heroku', HANGUP_PORT: '1' }
    assert.equal(readSettings(['--idle-timeout', '30s'], env).resolved.policy.idleTimeoutMs, 30_000)
    assert.equal(readSettings([], env).resolved.policy.idleTimeoutMs, 20_000)
    assert.equal(readSettings([], { HANGUP_PRESET: 'heroku' }).resolved.policy.idleTimeoutMs, 95_000)
    assert.equal(readSettings(['--port', '2'], env).options.port, 2)
  })

  test('the app is an argument or a flag, once', () => {
    assert.equal(readSettings(['app.ts', '--watch'], {}).settings.app, 'app.ts')
    assert.equal(readSettings(['--watch', 'app.ts'], {}).settings.app, 'app.ts')
    assert.equal(readSettings(['--app', 'app.ts'], {}).settings.watch, undefined)
    assert.deepEqual(refusals(['--app', 'a.ts', 'b.ts']), ['b.ts: unexpected argument'])
  })

  test('a flag without its value does not swallow the next', () => {
    assert.deepEqual(refusals(['--host', '--port', '1']), ['--host: it needs a value'])
  })

  test('the last of a flag given twice counts, so that a script’s own flag can be overridden', () => {
    assert.equal(readSettings(['--port', '1', '--port', '2'], {}).options.port, 2)
  })

  test('combines presets with commas', () => {
    const { policy, presets } = readSettings(['--preset', 'aws-alb, kubernetes'], {}).resolved
    assert.deepEqual(presets, ['aws-alb', 'kubernetes'])
    assert.equal(policy.idleTimeoutMs, 65_000)
    assert.equal(policy.drainDelayMs, 5_000)
  })

  test('falls back to PORT, and an empty variable counts as not set', () => {
    assert.equal(readSettings([], { PORT: '8080' }).options.port, 8080)
    assert.equal(readSettings([], { PORT: '8080', HANGUP_PORT: '9090' }).options.port, 9090)
    assert.equal(readSettings([], { PORT: '8080', HANGUP_PORT: '' }).options.port, 8080)
    assert.equal(readSettings([], { PORT: '', HANGUP_IDLE_TIMEOUT: '' }).options.port, undefined)
    assert.match(refusals([], { PORT: 'http' })[0] ?? '', /^PORT: http is not a port number/)
  })

  test('names each problem by what was written, all at once', () => {
    const problems = refusals(
      [
        '--idel-timeout',
        '5s',
        '--head-timeout',
        '5',
        '--tls-cert',
        'a.pem',
        '--body-timeout',
        '--port',
        '70000',
        '--hlep',
        '--min-idle',
        '-5s',
        'app.ts',
        'extra',
      ],
      { HANGUP_IDEL_TIMEOUT: '5s', HANGUP_MAX_BODY: '-1b', HANGUP_REPORT: 'jsno', HOME: '/' },
    )
    assert.deepEqual(problems.toSorted(), [
      '--body-timeout: it needs a value',
      '--head-timeout: "5" has no unit; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off',
      '--hlep: there is no such flag; did you mean --help?',
      '--idel-timeout: there is no such flag; did you mean --idle-timeout?',
      '--min-idle: "-5s" is not a duration; accepted: a duration with a unit (250ms, 5s, 2m, 1h) or off',
      '--port: 70000 is not a port number; accepted: a port number, 0 to 65535',
      '--tls-cert a.pem: it needs --tls-key beside it',
      'HANGUP_IDEL_TIMEOUT 5s: there is no such variable; did you mean HANGUP_IDLE_TIMEOUT?',
      'HANGUP_MAX_BODY: "-1b" is not a size; accepted: a size with a unit (512b, 64kb, 1mb, 2gb; 1gb is 2^30 bytes) or off',
      'HANGUP_REPORT: jsno is not a report; did you mean json?; accepted: text, json, none',
      'extra: unexpected argument',
    ])
  })

  test('a rule names flags, variables and presets as they were written', () => {
    assert.match(
      refusals(['--keep-alive-hint', '9s'], { HANGUP_IDLE_TIMEOUT: '5s' })[0] ?? '',
      /^--keep-alive-hint 9s is above HANGUP_IDLE_TIMEOUT 5s/,
    )
    assert.match(
      refusals(['--keep-alive-hint', '99s', '--preset', 'nginx'])[0] ?? '',
      /above --idle-timeout of preset nginx 65s/,
    )
  })

  test('what it returns resolves the same in serve(), with the names that were written', () => {
    const read = readSettings(['--min-idle', '8s', '--preset', 'kubernetes'], { HANGUP_BODY_TIMEOUT: '9s' })
    const inServe = resolveOptions({ ...read.options, signals: false })
    assert.deepEqual(inServe.policy, read.resolved.policy)
    assert.deepEqual(inServe.origins, read.resolved.origins)
    assert.deepEqual(inServe.fitted, read.resolved.fitted)
    assert.equal(inServe.nameOf('minIdleMs'), '--min-idle')
    assert.equal(inServe.nameOf('bodyTimeoutMs'), 'HANGUP_BODY_TIMEOUT')
    const { [givenAs]: _, ...plain } = read.options
    assert.deepEqual(resolveOptions(plain).policy, read.resolved.policy)
  })
})

describe('readEnvironment', () => {
  const all = { ...commands, other: { what: '', settings: {}, takes: ['target', 'headTimeoutMs'] } }

  test('ignores a variable of another command and refuses one of none', () => {
    const { written, problems } = readEnvironment({ HANGUP_TARGET: 'x', HANGUP_TRAGET: 'y' }, 'serve', all)
    assert.deepEqual(written.values, {})
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['HANGUP_TRAGET y: there is no such variable; did you mean HANGUP_TARGET?'],
    )
  })

  test('a limit set for the server is no expectation of the probe', () => {
    const env = { HANGUP_IDLE_TIMEOUT: '5s', HANGUP_PROBE_HEAD_TIMEOUT: '9s', HANGUP_PROBE_LIMIT: '3s' }
    const { written, problems } = readEnvironment(env, 'probe')
    assert.deepEqual(problems, [])
    assert.deepEqual(written.values, { headTimeoutMs: '9s', limitMs: '3s' })
    assert.equal(written.nameOf('limitMs'), 'HANGUP_PROBE_LIMIT')
    assert.deepEqual(readEnvironment(env, 'serve').written.values, { idleTimeoutMs: '5s' })
  })
})

describe('readPlaces', () => {
  test('takes an argument and switches where a command has them', () => {
    const { places, problems } = readPlaces(['--quiet', 'http://a', '--drain=no', '--pid', '7', 'b'], {}, 'probe')
    assert.deepEqual(places[0]?.values, { quiet: 'yes', target: 'http://a', drain: 'no', pid: '7' })
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['b: unexpected argument'],
    )
    const many = readPlaces(['a.json', '--html', 'm.html', 'b.json'], {}, 'compare')
    assert.deepEqual(many.places[0]?.values, { reports: 'a.json\nb.json', html: 'm.html' })
  })
})

test('asked finds help and version anywhere before --', () => {
  assert.equal(asked(['--port', '1', '--help']), 'help')
  assert.equal(asked(['-v']), 'version')
  assert.equal(asked(['--', '--help']), null)
  assert.equal(asked([]), null)
})
