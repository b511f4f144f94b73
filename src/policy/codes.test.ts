import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorCodes, logCodes } from './codes.ts'
import { hasCode } from './has-code.ts'
import { ConfigError, isConfigError, problem } from './problems.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = globSync('{src,runtimes}/**/*.ts', { cwd: root })
  .filter((path) => !/\.(test|fake|recording)\.ts$|\/checks\//.test(path))
  .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }))

/** It never leaves the probe: what it carries is a verdict. */
const withoutCode = ['CaseError']

test('each error class has a code that the types know', () => {
  const classes = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/class (\w+) extends (?:Type|Range)?Error\b(.*)\{/g)].map(([, name = '', more = '']) => ({
      name,
      path,
      isCoded: /implements Coded\b/.test(more),
    })),
  )
  assert.ok(classes.length > 10)
  const bare = classes.filter(({ name, isCoded }) => !isCoded && !withoutCode.includes(name))
  assert.deepEqual(bare, [])
})

test('no code is registered that nothing carries', () => {
  for (const code of [...Object.keys(errorCodes), ...Object.keys(logCodes)]) {
    const used = sources.some(({ path, text }) => path !== 'src/policy/codes.ts' && text.includes(`'${code}'`))
    assert.ok(used, code)
  }
})

test('an error of another copy of the package is known by its code', () => {
  const foreign = Object.assign(new Error('elsewhere'), { code: 'CONFIG_INVALID' })
  assert.ok(isConfigError(foreign))
  assert.ok(!hasCode(foreign, 'SPOOL_FULL'))
  assert.ok(!hasCode({ code: 'CONFIG_INVALID' }, 'CONFIG_INVALID'))
})

test('whatever was given can be shown', () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const given of [circle, 1n, { big: 1n }, Symbol('s'), null, undefined, () => {}]) {
    assert.match(new ConfigError([problem('idleTimeoutMs', given, 'why', 'what')]).message, /^idleTimeoutMs .*: why; /)
  }
})
