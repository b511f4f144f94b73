import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionNames } from '../policy/policy.ts'
import { presetNames } from '../policy/presets.ts'
import { specOf } from '../policy/setting.ts'
import { flagOf } from '../policy/spelling.ts'
import { help, overview } from './help.ts'
import { type Command, type CommandName, commands, settingNames } from './settings.ts'

test('help lists every flag with its default and fits the terminal', () => {
  for (const columns of [80, 100, 120]) {
    const text = help('serve', 'hangup serve', columns)
    for (const name of [...settingNames, ...optionNames])
      assert.match(
        text,
        new RegExp(`^  ${flagOf(name)} ${['watch', 'accessLogQuery'].includes(name) ? ' ' : '[<[]'}`, 'm'),
      )
    for (const name of presetNames) assert.ok(text.includes(name), name)
    assert.match(text, /--idle-timeout <duration> +Quiet time between two requests/)
    for (const line of text.split('\n')) assert.ok(line.length <= columns, `${line.length} > ${columns}: ${line}`)
  }
  // One word is its flag.
  const spelled = optionNames.filter((name) => flagOf(name) !== `--${name}`)
  for (const name of spelled) assert.ok(!help('serve', 'hangup serve').includes(name), `${name} is no flag`)
  assert.match(help('serve', 'hangup serve', 120), /Quiet time between two requests on one connection. Default: 5s\./)
})

test('the overview lists every command', () => {
  const text = overview('hangup')
  for (const name of Object.keys(commands)) assert.match(text, new RegExp(`^  ${name} `, 'm'))
})

test('help of every command lists its flags and fits the terminal', () => {
  for (const [name, { takes }] of Object.entries(commands) as [CommandName, Command][]) {
    const text = help(name, `hangup ${name}`, 100)
    for (const option of takes) {
      const { isArgument } = specOf(commands[name].settings, option) ?? {}
      assert.ok(isArgument || new RegExp(`^  ${flagOf(option)}( |$)`, 'm').test(text), `${name} ${flagOf(option)}`)
    }
    for (const line of text.split('\n')) assert.ok(line.length <= 100, `${line.length} > 100: ${line}`)
  }
  assert.match(help('probe', 'hangup probe'), /^Usage: hangup probe <url> \[flags\]\n/)
  assert.match(help('probe', 'hangup probe'), /HANGUP_PROBE_IDLE_TIMEOUT/)
})
